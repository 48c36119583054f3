"""Every leaver with what was known before."""

import pandas as pd
import pytest

import clientcare as cc


@pytest.fixture(scope="module")
def told():
    firm = cc.datasets.simulate_histories("service_firm", n_buyers=100, random_state=3).histories
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm, as_of="2024-03-01")
    return firm, model, cc.loss_book(model, firm, "2024-03-01", since="180D")


def test_the_losses_are_those_whom_the_book_calls_gone(told):
    firm, model, lost = told
    book = model.score(firm.until("2024-03-01"), as_of="2024-03-01")
    gone = book[(book.status == "gone") & (book.status_since >= pd.Timestamp("2023-09-03"))]
    assert sorted(lost.losses.index) == sorted(gone.index) and len(gone)
    assert lost.by_quarter.n_losses.sum() == len(gone)


def test_a_surprise_was_never_among_the_fifth_at_highest_risk(told):
    losses = told[2].losses
    places = losses[["place_180d", "place_90d", "place_30d"]].max(axis=1)
    seen = losses.surprise.notna()
    assert seen.any()
    assert (losses.surprise[seen].astype(bool) == (places[seen] < 0.8)).all()


def test_what_came_later_changes_nothing(told):
    firm, model, lost = told
    early = cc.loss_book(model, firm.until("2024-03-01"), "2024-03-01", since="180D")
    pd.testing.assert_frame_equal(early.losses, lost.losses)


def test_losses_are_counted_by_what_is_written_down():
    firm = cc.datasets.simulate_histories("service_firm", n_buyers=100, random_state=3)
    contracts = firm.contracts.assign(cancel_reason=None)
    gone = contracts["cancelled_at"].notna()
    contracts["cancel_reason"] = contracts["cancel_reason"].astype(object)
    contracts.loc[gone, "cancel_reason"] = ["price", "service"] * (gone.sum() // 2) + ["price"] * (
        gone.sum() % 2
    )
    histories = cc.Histories(firm.transactions, contracts=contracts, observed_until=firm.observed_until)
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(
        histories, as_of="2024-03-01"
    )
    lost = cc.loss_book(model, histories, "2024-03-01", since="180D")
    assert lost.by_reason["n_losses"].sum() == len(lost.losses)
    assert {"price", "service"} & set(lost.by_reason.index)
    stated = lost.losses["stated_reason"].dropna()
    assert len(stated) and (lost.losses.loc[stated.index, "stated_in"] == "contract").all()
