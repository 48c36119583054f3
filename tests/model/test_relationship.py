"""The relationship model: sees no future, says the same twice, tells one story, and admits what it cannot know."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_shops import START, firm_tables, histories_of, shop_tables
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from clientcare.book import COLUMNS
from clientcare.exceptions import (
    BeyondDataWarning,
    InputError,
    ModelFileError,
    NotEnoughDataError,
    OptionError,
    SchemaError,
)
from clientcare.history import Histories
from clientcare.model import RelationshipModel, load_model
from clientcare.outcomes import ChurnDefinition, ClientDefinition

AS_OF = START + pd.Timedelta(days=420)
MORE = 5 if os.environ.get("CLIENTCARE_TESTS") == "full" else 1


@pytest.fixture(scope="module")
def model(shop):
    return RelationshipModel("60D", effort="quick").fit(shop, AS_OF)


@pytest.fixture(scope="module")
def book(model, shop):
    return model.score(shop, AS_OF)


def with_another_future(tables, others):
    """The past of one shop and the future of another."""
    return {
        name: pd.concat(
            [table[table["timestamp"] < AS_OF], others[name][others[name]["timestamp"] >= AS_OF]],
            ignore_index=True,
        )
        for name, table in tables.items()
    }


# ---- what it must never do ------------------------------------------------------------------------------------


@settings(max_examples=MORE, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1000), contacts=st.booleans())
def test_rewriting_everything_at_or_after_as_of_changes_no_score(seed, contacts):
    tables = shop_tables(50, seed=seed, with_contacts=contacts)
    other = with_another_future(tables, shop_tables(90, seed=seed + 1, with_contacts=contacts))
    books = []
    for given_tables in (tables, other):
        histories = histories_of(given_tables)
        books.append(RelationshipModel("60D", effort="quick").fit(histories, AS_OF).score(histories, AS_OF))
    assert_frame_equal(*books)


def test_whether_anything_comes_after_as_of_changes_no_score():
    """A shop that was shut on the two days before: tonight's scores are those a backtest gives later."""
    orders = shop_tables(50)["transactions"]
    shut = AS_OF - pd.Timedelta(days=2)
    orders = orders[(orders["timestamp"] < shut) | (orders["timestamp"] >= AS_OF)]
    books = []
    for given_orders in (orders, orders[orders["timestamp"] < AS_OF]):
        histories = Histories(given_orders)
        books.append(RelationshipModel("60D", effort="quick").fit(histories, AS_OF).score(histories, AS_OF))
    assert_frame_equal(*books)


@settings(max_examples=1 * MORE, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_rows_changes_nothing(seed):
    tables = shop_tables(80, seed=seed)
    turned = {name: table.sample(frac=1, random_state=seed) for name, table in tables.items()}
    first, second = (
        RelationshipModel("60D", effort="quick").fit(h, AS_OF).score(h, AS_OF)
        for h in (histories_of(tables), histories_of(turned))
    )
    assert_frame_equal(first, second)


def test_the_same_data_and_seed_give_the_same_bytes(model, book, shop):
    again = RelationshipModel("60D", effort="quick").fit(shop, AS_OF)
    assert again.model_id_ == model.model_id_
    assert_frame_equal(again.score(shop, AS_OF), book)


def test_a_buyer_scored_alone_gets_the_same_row(model, book, shop):
    few = book.index[::17]
    assert_frame_equal(model.score(shop.select(few), AS_OF), book.loc[few])


def test_fit_changes_no_parameter_and_score_no_state(shop):
    model = RelationshipModel("60D", effort="quick", random_state=3)
    before = model.get_params()
    model.fit(shop, AS_OF)
    learned = model.model_id_
    model.score(shop, AS_OF)
    assert model.get_params() == before
    assert model.model_id_ == learned


def test_it_is_cloned_and_set_like_any_estimator():
    model = clone(RelationshipModel("30D", client=ClientDefinition("60D"), effort="quick"))
    assert model.set_params(horizon="90D").horizon == "90D"
    assert model.client == ClientDefinition("60D")


# ---- the book --------------------------------------------------------------------------------------------------


def test_every_buyer_known_stands_once_in_the_book(book, shop):
    bought = shop.transactions.loc[shop.transactions["timestamp"] < AS_OF, "buyer_id"].unique()
    assert sorted(book.index) == sorted(bought)
    assert book.index.name == "buyer_id"
    assert tuple(book.columns) == COLUMNS


def test_probabilities_are_probabilities_within_their_interval(book):
    for name in ("churn_risk", "client_probability", "churn_risk_low", "churn_risk_high"):
        assert book[name].between(0, 1).all()
    assert (book["churn_risk_low"] <= book["churn_risk"]).all()
    assert (book["churn_risk"] <= book["churn_risk_high"]).all()


def test_the_class_is_the_reduction_of_the_stage(book):
    assert ((book["stage"] == "dependent client") == (book["relationship"] == "client")).all()
    assert ((book["client_probability"] >= 0.5) == (book["relationship"] == "client")).all()


def test_at_equal_horizons_no_client_is_likelier_than_staying(shop):
    model = RelationshipModel("60D", client=ClientDefinition("60D"), effort="quick").fit(shop, AS_OF)
    book = model.score(shop, AS_OF)
    assert (book["client_probability"] <= 1 - book["churn_risk"] + 1e-12).all()


def test_a_buyer_who_bought_once_has_no_overdue_ratio(book, shop):
    past = shop.transactions[shop.transactions["timestamp"] < AS_OF]
    n_days = past.groupby("buyer_id")["timestamp"].nunique().reindex(book.index)
    assert (book["overdue_ratio"].isna() == (n_days == 1)).all()


def test_something_is_due_of_everybody_who_bought_and_is_not_gone(book):
    gone = book["status"] == "gone"
    assert gone.any() and not gone.all()
    assert (book["next_purchase_due"].isna() == gone).all()


def test_no_due_date_lies_before_the_moment_of_asking(book):
    known = book[book["next_purchase_due"].notna()]
    for name in ("next_purchase_low", "next_purchase_due", "next_purchase_high"):
        assert (known[name] >= known["as_of"].dt.normalize()).all()


def test_the_due_date_lies_within_its_interval_and_both_are_unknown_together(book):
    known = book["next_purchase_due"].notna()
    inside = book[known]
    assert (inside["next_purchase_low"] <= inside["next_purchase_due"]).all()
    assert (inside["next_purchase_due"] <= inside["next_purchase_high"]).all()
    assert book.loc[~known, ["next_purchase_low", "next_purchase_high"]].isna().all(axis=None)


def test_a_buyer_with_a_steady_rhythm_is_due_within_a_narrower_interval():
    gaps = {"steady": [30] * 24, "fitful": [5, 90, 10, 60, 2, 45, 20, 8] * 3}
    days = {name: np.cumsum([0, *gap]) for name, gap in gaps.items()}
    orders = pd.concat(
        [pd.DataFrame({"buyer_id": name, "timestamp": START + pd.to_timedelta(day, "D")})
         for name, day in days.items()]
    )  # fmt: skip
    histories = Histories(orders)
    book = RelationshipModel("60D", effort="quick").fit(histories).score(histories)
    width = book["next_purchase_high"] - book["next_purchase_low"]
    assert width["steady"] < width["fitful"] / 2
    assert abs(book.loc["steady", "next_purchase_due"] - (START + pd.Timedelta(days=750))) <= pd.Timedelta(
        "1D"
    )


def test_a_buyer_who_came_back_once_after_a_day_is_not_hundreds_of_times_overdue(shop):
    """One gap is little to go by: the usual gap lies between it and that of the others."""
    twice = pd.DataFrame(
        {"buyer_id": "twice", "timestamp": START + pd.to_timedelta([0, 1], "D"), "amount": 9.0}
    )
    histories = Histories(pd.concat([shop.transactions, twice]))
    model = RelationshipModel("60D", effort="quick").fit(histories, AS_OF)
    row = model.score(histories, AS_OF).loc["twice"]
    silence = (pd.Timestamp(AS_OF) - START).days - 1
    others = np.exp(model.learned_.rhythm.log_gap)
    assert silence / others < row["overdue_ratio"] < silence / 2


def test_nine_of_ten_next_purchases_fall_within_their_interval(shop):
    """The gap after a purchase, for those who bought again; 150 buyers, so a wide margin."""
    orders = shop.transactions.sort_values(["buyer_id", "timestamp"])
    date = START + pd.Timedelta(days=300)
    book = RelationshipModel("60D", effort="quick").fit(shop, date).score(shop, date)
    after = orders[orders["timestamp"] >= date].groupby("buyer_id")["timestamp"].first()
    seen = book.join(after.rename("next"), how="inner").dropna(subset=["next_purchase_due"])
    inside = seen["next"].between(seen["next_purchase_low"], seen["next_purchase_high"])
    assert len(seen) > 50
    assert inside.mean() > 0.75


def test_expected_purchases_and_spend_come_out_in_total(shop):
    later = START + pd.Timedelta(days=540)
    book = RelationshipModel("60D", effort="quick").fit(shop, later).score(shop, later)
    inside = shop.transactions["timestamp"].between(later, later + pd.Timedelta(days=60), inclusive="left")
    seen = shop.transactions[inside & shop.transactions["buyer_id"].isin(book.index)]
    assert book["expected_purchases"].sum() == pytest.approx(len(seen), rel=0.5)
    assert book["expected_spend"].sum() == pytest.approx(seen["amount"].sum(), rel=0.5)


def test_without_amounts_the_spend_is_unknown_and_the_rest_is_there():
    tables = shop_tables(80, seed=5)
    tables["transactions"]["amount"] = np.nan
    histories = histories_of(tables)
    book = RelationshipModel("60D", effort="quick").fit(histories, AS_OF).score(histories, AS_OF)
    assert book["expected_spend"].isna().all()
    assert book["churn_risk"].notna().all()


# ---- judged, and honest ------------------------------------------------------------------------------------------


def test_every_candidate_is_judged_beside_recency(model):
    candidates = model.candidates_
    churn = candidates[candidates["target"] == "churn"].set_index("candidate")
    assert {"recency", "overdue", "lifetime", "linear", "trees", "blend"} <= set(churn.index)
    assert churn.at["recency", "gain_over_recency"] == 0
    assert (churn["log_loss_se"] > 0).all()


def test_the_snapshots_learned_from_have_their_whole_outcome_before_as_of(model):
    for target, days in (("churn", 60), ("patronage", 120)):
        dates = model.training_.loc[model.training_["target"] == target, "as_of"]
        assert (dates + pd.Timedelta(days=days) <= AS_OF).all()


def test_it_says_whether_it_beats_recency(model):
    assert any("recency" in sentence for sentence in model.says_)


def test_a_history_too_short_for_the_horizon_says_so_and_still_scores(shop):
    early = START + pd.Timedelta(days=80)
    model = RelationshipModel("90D", effort="quick").fit(shop, early)
    book = model.score(shop, early)
    assert any("too short" in sentence for sentence in model.says_)
    assert book["evidence"].str.endswith("short history").all()
    assert book["churn_risk"].between(0, 1).all()


def test_without_any_second_purchase_it_says_so_and_claims_little():
    tables = shop_tables(40, seed=2)
    tables["transactions"] = tables["transactions"].drop_duplicates("buyer_id")
    histories = histories_of(tables)
    model = RelationshipModel("60D", effort="quick").fit(histories, AS_OF)
    book = model.score(histories, AS_OF)
    assert any("second time" in sentence for sentence in model.says_)
    assert book["churn_risk"].between(0.8, 1).all()


@pytest.mark.parametrize("n_buyers", [2, 4, 12])
def test_a_handful_of_buyers_gets_finite_scores(n_buyers):
    histories = histories_of(shop_tables(n_buyers, seed=3))
    as_of = histories.observed_until
    book = RelationshipModel("60D", effort="quick").fit(histories, as_of).score(histories, as_of)
    assert len(book) == n_buyers
    assert np.isfinite(book[["churn_risk", "client_probability"]].to_numpy()).all()


def test_nobody_known_is_an_error_with_a_way_out(shop):
    with pytest.raises(NotEnoughDataError, match="no buyer is known"):
        RelationshipModel("60D").fit(shop, START)


def test_a_model_scores_a_date_on_which_nobody_is_known_yet(model, shop):
    assert len(model.score(shop, START)) == 0


@pytest.mark.parametrize(
    "options",
    [{"effort": "huge"}, {"client": "yes"}, {"random_state": 0.5}, {"horizon": "0D"}, {"horizon": "soon"}],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_fit(shop, options):
    with pytest.raises(OptionError):
        RelationshipModel(**{"horizon": "60D", **options}).fit(shop, AS_OF)


def test_a_table_in_place_of_histories_is_refused(shop):
    with pytest.raises(InputError, match="Histories are needed, found DataFrame"):
        RelationshipModel().fit(shop.transactions)


def test_histories_without_a_table_learned_from_are_refused_with_a_way_out(shop_with_contacts):
    model = RelationshipModel("60D", effort="quick").fit(shop_with_contacts, AS_OF)
    alone = Histories(shop_with_contacts.transactions)
    for ask in (model.score, model.explain):
        with pytest.raises(SchemaError, match="no interactions were given"):
            ask(alone, as_of=AS_OF)


def test_a_table_without_rows_is_a_table_given(shop_with_contacts):
    model = RelationshipModel("60D", effort="quick").fit(shop_with_contacts, AS_OF)
    silent = Histories(shop_with_contacts.transactions, shop_with_contacts.interactions.iloc[:0])
    assert len(model.score(silent, AS_OF)) == len(model.score(shop_with_contacts, AS_OF))


def test_attributes_learned_from_are_asked_for_too(firm):
    model = RelationshipModel("60D", effort="quick").fit(firm, AS_OF)
    with pytest.raises(SchemaError, match="no buyers were given"):
        model.score(Histories(contracts=firm.contracts), AS_OF)


def test_a_date_more_than_a_horizon_after_the_data_is_warned_of(model, shop):
    model.score(shop, shop.observed_until + pd.Timedelta(days=60))
    with pytest.warns(BeyondDataWarning, match="61 days after the end of what was observed"):
        model.score(shop, shop.observed_until + pd.Timedelta(days=61))


# ---- contracts, contacts, labels ----------------------------------------------------------------------------------


def test_contracts_alone_are_enough(firm):
    model = RelationshipModel("60D", effort="quick").fit(firm, AS_OF)
    book = model.score(firm, AS_OF)
    assert set(book["evidence"]) == {"contracts"}
    assert book["churn_risk"].between(0, 1).all()
    plan = firm.buyers["plan"].reindex(book.index)
    churned = ChurnDefinition("60D").label(firm, AS_OF)
    assert book["churn_risk"].groupby(plan).mean()["basic"] > book["churn_risk"].groupby(plan).mean()["gold"]
    assert abs(book["churn_risk"].mean() - churned.mean()) < 0.2
    assert book["next_purchase_due"].isna().all()


def test_a_cancellation_given_after_as_of_changes_nothing_before_it():
    tables = firm_tables(120, seed=4)
    later = {name: table.copy() for name, table in tables.items()}
    for given_tables, moment in ((tables, pd.NaT), (later, AS_OF + pd.Timedelta(days=3))):
        given_tables["contracts"]["cancelled_at"] = pd.Series(
            moment, index=given_tables["contracts"].index, dtype="datetime64[us]"
        )
        running = given_tables["contracts"]["end"] > AS_OF + pd.Timedelta(days=4)
        given_tables["contracts"].loc[~running, "cancelled_at"] = pd.NaT
    books = []
    for given_tables in (tables, later):
        histories = histories_of(given_tables)
        books.append(RelationshipModel("60D", effort="quick").fit(histories, AS_OF).score(histories, AS_OF))
    assert_frame_equal(*books)


def test_contacts_let_ties_be_seen(shop_with_contacts):
    model = RelationshipModel("60D", effort="quick").fit(shop_with_contacts, AS_OF)
    book = model.score(shop_with_contacts, AS_OF)
    assert "care_tie" in set(model.candidates_["target"])
    assert set(book["evidence"]) == {"transactions+interactions"}
    assert (book.loc[book["stage"] == "repeat customer", "relationship"] == "customer").all()


def test_the_users_own_labels_outrank_the_definition(shop, book):
    labels = pd.Series(np.arange(len(book)) % 2 == 0, index=book.index)
    spends = pd.Series(
        book["expected_purchases"].to_numpy() < book["expected_purchases"].median(), index=book.index
    )
    own = RelationshipModel("60D", effort="quick").fit(shop, AS_OF, labels=spends).score(shop, AS_OF)
    assert own["client_probability"][spends].mean() > own["client_probability"][~spends].mean()
    assert book["client_probability"][spends].mean() < book["client_probability"][~spends].mean()
    with pytest.raises(InputError, match="more than once"):
        RelationshipModel("60D", effort="quick").fit(shop, AS_OF, labels=pd.concat([labels, labels]))
    with pytest.raises(InputError, match="clients and customers"):
        RelationshipModel("60D", effort="quick").fit(shop, AS_OF, labels=pd.Series([True], index=["nobody"]))


def test_a_list_given_to_score_outranks_what_was_learned_and_changes_nobody_else(shop, book):
    model = RelationshipModel("60D", effort="quick").fit(shop, AS_OF)
    plain = model.score(shop, AS_OF)
    turned = pd.Series(plain["relationship"].eq("customer"))[::2]
    listed = model.score(shop, AS_OF, labels=turned)
    gone = plain["status"].eq("gone")
    here = turned[~gone.reindex(turned.index)]
    assert (listed["relationship"].eq("client")[here.index] == here).all()
    assert (listed["client_probability"][here.index] == here).all()
    assert (listed["evidence"].str.endswith("; your list") == listed.index.isin(turned.index)).all()
    told = listed[listed["stage"] != "new buyer"]
    assert (told["relationship"].eq("client") == told["stage"].eq("dependent client")).all()
    left = turned[turned & gone.reindex(turned.index)].index
    assert listed["stage"][left].eq("former client").all()
    same = ["status", "status_since", "churn_risk", "expected_spend", "reason_1", "model_id"]
    assert_frame_equal(listed[same], plain[same])
    others = plain.index.difference(turned.index)
    assert_frame_equal(listed.loc[others], plain.loc[others])
    assert_frame_equal(model.score(shop, AS_OF), plain)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [([True], "Series of bool"), (pd.Series([True], index=["nobody"]), "name none"), (pd.Series(["yes"], index=["x"]), "neither")],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_refused_in_score(shop, labels, complaint):
    model = RelationshipModel("60D", effort="quick").fit(shop, AS_OF)
    with pytest.raises(InputError, match=complaint):
        model.score(shop, AS_OF, labels=labels)


# ---- explanations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["shop_with_contacts", "firm"])
def test_contributions_add_up_to_the_log_odds_of_the_book(kind, request):
    histories = request.getfixturevalue(kind)
    model = RelationshipModel("60D", effort="quick").fit(histories, AS_OF)
    book, why = model.score(histories, AS_OF), model.explain(histories, as_of=AS_OF)
    for column, log_odds in (("churn_risk", why.churn_log_odds), ("client_probability", why.client_log_odds)):
        p = book[column].clip(1e-9, 1 - 1e-9)
        np.testing.assert_allclose(log_odds, np.log(p / (1 - p)), atol=1e-6)


def test_some_buyers_explained_alone_are_explained_the_same(model, shop, book):
    few = list(book.index[5:9])
    alone, all_of_them = model.explain(shop, buyers=few, as_of=AS_OF), model.explain(shop, as_of=AS_OF)
    assert_frame_equal(alone.churn, all_of_them.churn.loc[few, alone.churn.columns])


def test_explained_buyers_come_in_the_order_of_the_histories_each_once(model, shop, book):
    few = shop.buyer_ids[shop.buyer_ids.isin(book.index)][5:9]
    why = model.explain(shop, buyers=[*few[::-1], few[0]], as_of=AS_OF)
    assert list(why.churn.index) == list(few)


def test_an_unknown_buyer_cannot_be_explained(model, shop):
    with pytest.raises(InputError, match="1 of 2 buyers"):
        model.explain(shop, buyers=["b0001", "nobody"], as_of=AS_OF)


def test_the_first_reason_has_the_largest_contribution(model, shop, book):
    """Of who is likelier gone than not, among those that raise the risk where they are worth a quarter of it."""
    why = model.explain(shop, as_of=AS_OF)
    n_leaving = 0
    for buyer in book.index[:40]:
        if not book.at[buyer, "reason_1"]:
            continue
        weight = why.churn.loc[buyer].abs()
        if book.at[buyer, "churn_risk"] >= 0.5:
            n_leaving += 1
            weight = weight.where(why.churn.loc[buyer] > 0, weight / 4)
        assert why.sentences.at[buyer, weight.idxmax()] in book.at[buyer, "reason_1"]
    assert n_leaving, "the order for those likelier gone was never asked"


# ---- keeping -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["shop_with_contacts", "firm"])
def test_a_model_from_its_file_gives_the_same_bytes(kind, request, tmp_path):
    histories = request.getfixturevalue(kind)
    model = RelationshipModel("60D", effort="quick").fit(histories, AS_OF)
    model.save(tmp_path / "m.clientcare")
    loaded = load_model(tmp_path / "m.clientcare")
    assert_frame_equal(loaded.score(histories, AS_OF), model.score(histories, AS_OF))
    assert_frame_equal(loaded.candidates_, model.candidates_)
    assert loaded.says_ == model.says_


def test_a_model_file_names_no_buyer(model, tmp_path):
    model.save(tmp_path / "m.clientcare")
    assert b"b0001" not in (tmp_path / "m.clientcare").read_bytes()


def test_a_learner_from_outside_takes_the_place_of_the_trees_and_cannot_be_saved(shop, tmp_path):
    from sklearn.ensemble import HistGradientBoostingClassifier

    outside = HistGradientBoostingClassifier(max_iter=10, random_state=0)
    model = RelationshipModel("60D", estimator=outside, effort="quick").fit(shop, AS_OF)
    assert model.score(shop, AS_OF)["churn_risk"].between(0, 1).all()
    why = model.explain(shop, as_of=AS_OF)
    risk = model.score(shop, AS_OF)["churn_risk"]
    np.testing.assert_allclose(why.churn_log_odds, np.log(risk / (1 - risk)), atol=1e-6)
    with pytest.raises(ModelFileError, match="HistGradientBoostingClassifier cannot be saved"):
        model.save(tmp_path / "m.clientcare")


def test_a_learner_that_cannot_meet_unknown_values_is_refused_with_a_way_out(shop):
    with pytest.raises(OptionError, match="imputer"):
        RelationshipModel("60D", estimator=LogisticRegression(), effort="quick").fit(shop, AS_OF)


def test_integer_ids_stay_integers():
    tables = shop_tables(40, seed=8)
    tables["transactions"]["buyer_id"] = tables["transactions"]["buyer_id"].str[1:].astype("int64")
    histories = Histories(**tables)
    book = RelationshipModel("60D", effort="quick").fit(histories).score(histories)
    assert book.index.dtype == np.int64


def test_asked_to_learn_beyond_the_data_it_learns_from_all_of_it(shop):
    later = shop.observed_until + pd.Timedelta(days=3)
    model = RelationshipModel("60D", effort="quick")
    beyond = clone(model).fit(shop, as_of=later)
    assert beyond.as_of_ == shop.observed_until
    assert beyond.model_id_ == clone(model).fit(shop).model_id_


def test_a_contract_in_force_has_a_risk_also_where_nothing_could_be_learned():
    tables = shop_tables(n_buyers=60)
    bound = tables["transactions"]["buyer_id"].unique()[::3]
    histories = histories_of({**tables, "contracts": pd.DataFrame({"buyer_id": bound, "start": START})})
    model = RelationshipModel("2000D", effort="quick").fit(histories)
    book = model.score(histories)
    chances = ["churn_risk", "churn_risk_low", "churn_risk_high", "client_probability"]
    assert np.isfinite(book[chances].to_numpy()).all()


@pytest.mark.parametrize("estimator", [LogisticRegression, "forest"])
def test_an_estimator_that_is_none_is_refused(shop, estimator):
    with pytest.raises(OptionError, match="estimator must be"):
        RelationshipModel("60D", estimator=estimator, effort="quick").fit(shop, AS_OF)


def test_labels_that_name_nobody_known_are_told(shop, book):
    labels = pd.Series(np.arange(len(book)) % 2 == 0, index=book.index)
    strangers = pd.Series([True, False], index=["nobody", "no one"])
    model = RelationshipModel("60D", effort="quick").fit(shop, AS_OF, labels=pd.concat([labels, strangers]))
    assert any(sentence.startswith("2 of") and "labels" in sentence for sentence in model.says_)
    with pytest.raises(InputError, match="2 of 2 labels name none"):
        RelationshipModel("60D", effort="quick").fit(shop, AS_OF, labels=strangers)


def test_nobody_who_pays_and_is_likely_to_stay_is_called_fading() -> None:
    """A gym: monthly members, a tenth of whom leaves each month."""
    rng = np.random.default_rng(4)
    rows = []
    for member in range(200):
        start = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(rng.integers(0, 480)))
        stays = int(30 * rng.geometric(0.1))
        rows.append((f"m{member}", start, start + pd.Timedelta(days=stays), 39.0))
    until = pd.Timestamp("2024-07-01")
    contracts = pd.DataFrame(rows, columns=["buyer_id", "start", "cancelled_at", "amount"])
    contracts.loc[contracts["cancelled_at"] >= until, "cancelled_at"] = pd.NaT
    histories = Histories(contracts=contracts, observed_until=until)
    book = RelationshipModel(horizon="30D", effort="quick").fit(histories).score(histories)
    paying = book["status"].eq("active") & book["churn_risk"].lt(0.5)

    assert paying.sum() > 30
    assert not book.loc[paying, "stage"].isin(["fading customer", "one-time customer"]).any()
