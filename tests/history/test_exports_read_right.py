"""Exports whose columns say more than their names: states, currencies in cells, intervals, refunds, ids that meet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors import found

import clientcare as cc
from clientcare.exceptions import SchemaError
from clientcare.history import Histories
from clientcare.history.door.order_states import meaning_of
from clientcare.scoring.workbook import workbook_bytes


def orders(n: int = 40, **columns: object) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=n).astype(str)
    return pd.DataFrame(
        {"buyer_id": [f"K{i % 8}" for i in range(n)], "timestamp": days, "amount": 10.0} | columns
    )


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> str:
    (folder / name).write_text(text, encoding=encoding)
    return str(folder / name)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("wc-cancelled", "withdrawn"),
        ("wc-completed", "stands"),
        ("Order Cancelled", "withdrawn"),
        ("CANCELED BY CUSTOMER", "withdrawn"),
        ("incomplete_expired", "never"),
        ("Stornorechnung", "withdrawn"),
        ("devis", "never"),
        ("not paid", "never"),
        ("not cancelled", ""),
        ("return requested", ""),
        ("paid, refund pending", ""),
        ("partially refunded", "stands"),
        ("mystery", ""),
    ],
)
def test_a_state_means_what_its_words_say(word: str, meaning: str) -> None:
    assert meaning_of(word) == meaning


def test_orders_of_an_unknown_state_head_everything_where_they_hold_money() -> None:
    histories = Histories(orders(status=["paid", "mystery"] * 20))

    [said] = histories.says
    assert "20 rows (50% of the money)" in said
    assert "mystery" not in said
    assert Histories(orders(status="paid")).says == ()
    assert Histories(orders(status=["paid", "mystery"] * 20), statuses={"mystery": "stands"}).says == ()


@pytest.mark.parametrize("decimal", [".", None])
def test_several_currencies_in_the_cells_are_not_added_up(decimal: str | None) -> None:
    table = orders(amount=["€5.00"] * 20 + ["$12.50"] * 10 + ["900.00 JPY"] * 10)

    if decimal is None:
        with pytest.raises(SchemaError, match="decimal"):
            Histories(table)
        return
    with pytest.raises(SchemaError, match="3 currencies"):
        Histories(table, decimal=decimal)
    stated = Histories(table, decimal=decimal, currency="EUR")
    assert found(stated, "other_currency") == 20
    worth = Histories(table, decimal=decimal, currency="EUR", rates={"USD": 0.9, "JPY": 0.006})
    assert worth.transactions["amount"].sum() == pytest.approx(100 + 112.5 + 54)


def test_one_currency_in_the_cells_is_read_and_words_are_none() -> None:
    assert Histories(orders(amount="5.00 EUR"), decimal=".").transactions["amount"].eq(5).all()
    assert Histories(orders(amount="€ 5.00"), decimal=".").transactions["amount"].eq(5).all()


def test_rows_without_a_currency_are_counted() -> None:
    assert found(Histories(orders(currency=["EUR", None] * 20)), "missing_currency") == 20


def test_amounts_of_a_year_are_amounts_of_a_month() -> None:
    contracts = pd.DataFrame(
        {
            "buyer_id": list("ABCDEF"),
            "start": "2023-01-01",
            "amount": [1200.0, 100.0, 300.0, 120.0, 100.0, 100.0],
            "interval": ["year", "month", "Quartal", "6 months", "whenever", None],
            "status": ["active", "canceled", "active", "active", "incomplete_expired", "active"],
        }
    )

    histories = Histories(contracts=contracts)

    assert histories.contracts["amount"].tolist() == [100.0, 100.0, 100.0, 20.0, 100.0]
    assert found(histories, "amount_of_an_interval", "contracts") == 3
    assert found(histories, "never_begun_status", "contracts") == 1


def test_a_subscription_export_is_proposed_as_it_is_meant(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "subscriptions.csv",
        "id,Customer ID,Plan,Interval,Amount,Status,Created (UTC),Current Period End (UTC),Canceled At (UTC),Ended At (UTC)\n"
        "s1,c1,pro,year,1200.00,active,2023-03-01 10:00,2025-03-01 10:00,,\n"
        "s2,c2,pro,month,100.00,canceled,2023-03-01 10:00,2024-04-01 10:00,2024-03-15 10:00,2024-04-01 10:00\n"
        "s3,c3,pro,month,100.00,incomplete_expired,2023-03-01 10:00,2023-04-01 10:00,,\n",
    )

    terms = cc.guess_options(file).read().contracts

    assert terms["buyer_id"].tolist() == ["c1", "c2"]
    assert terms["amount"].tolist() == [100.0, 100.0]
    assert terms["notice_at"].tolist()[1] == pd.Timestamp("2024-03-15 10:00")
    assert terms["cancelled_at"].tolist()[1] == pd.Timestamp("2024-04-01 10:00")


BILLS = (
    "10001;1.3.2024;Rechnung;1.234,50 €;bezahlt\n10001;15.3.2024;Gutschrift;234,50 €;gebucht\n"
    "10002;22.4.2024;Angebot;99,00 €;offen\n10003;23.4.2024;Rechnung;99,00 €;storniert\n"
)


@pytest.mark.parametrize("title", ["", "Rechnungsliste 2024;;;;\nStand: 30.06.2024;;;;\n;;;;\n"])
def test_a_list_of_bills_is_no_list_of_contacts(title: str, tmp_path: Path) -> None:
    file = written(tmp_path, "bills.csv", f"{title}Kundennr;Belegdatum;Belegart;Nettobetrag;Status\n{BILLS}")

    guessed = cc.guess_options(file)

    assert list(guessed.sources) == ["transactions"]
    assert guessed.read().transactions["amount"].tolist() == [1234.5, 234.5, 99.0]
    assert any("'Angebot'" in question and "Belegart" in question for question in guessed.questions)


def test_unknown_states_refunds_and_scales_are_asked_for(tmp_path: Path) -> None:
    shop = written(
        tmp_path,
        "shop.csv",
        "Customer ID,Order date,Total,Status,Refunded Amount\nA,2024-01-01,40,paid,15\nB,2024-01-02,20,odd,0\n",
    )
    survey = written(
        tmp_path,
        "calls.csv",
        "Customer ID,Call date,Call type,CSAT (1-5)\nA,2024-01-01,Call,4\nB,2024-01-02,Call,5\n",
    )

    guessed = cc.guess_options([shop, survey])

    assert guessed.options["satisfaction_scale"] == (1.0, 5.0)
    told = " ".join(guessed.questions)
    assert "'odd' (1 rows)" in told
    assert "'Refunded Amount' is not taken off" in told
    assert "satisfaction_scale = [1.0, 5.0]" in told
    assert guessed.read().interactions["satisfaction"].tolist() == [0.75, 1.0]


def test_the_buyers_of_a_file_are_those_whose_ids_meet_the_others(tmp_path: Path) -> None:
    companies = [f"C{i:02d}" for i in range(20)]
    bills = (
        orders(60)
        .assign(buyer_id=companies * 3)
        .rename(columns={"buyer_id": "Company ID", "timestamp": "Invoice date"})
    )
    bills.to_csv(tmp_path / "invoices.csv", index=False)
    contacts = pd.DataFrame(
        {
            "Contact ID": [f"P{i}" for i in range(40)],
            "Company ID": companies * 2,
            "Activity date": "2024-01-05 10:00",
            "Activity type": "Call",
            "Ticket status": ["Open", "Closed"] * 20,
        }
    )
    contacts.to_csv(tmp_path / "activities.csv", index=False)
    own = pd.DataFrame(
        {"Company ID": companies, "Company owner": "ann", "Do not contact": "false", "Cadence days": 30}
    )
    own.to_csv(tmp_path / "companies.csv", index=False)

    guessed = cc.guess_options(
        [str(tmp_path / name) for name in ("companies.csv", "activities.csv", "invoices.csv")]
    )

    assert guessed.columns["interactions"]["Company ID"] == "buyer_id"
    assert guessed.columns["interactions"]["Contact ID"] == "contact_id"
    assert guessed.columns["buyers"]["Do not contact"] == "do_not_contact"
    histories = guessed.read()
    assert len(histories.buyer_ids) == 20
    assert sorted(histories.interactions["resolved"].unique()) == [0.0, 1.0]


def test_one_number_for_all_guests_is_told() -> None:
    ids = [0] * 150 + list(range(1, 37)) * 5
    told = Histories(orders(len(ids)).assign(buyer_id=ids))

    assert found(told, "one_id_of_many") == 150
    assert found(Histories(orders(400).assign(buyer_id=np.arange(400) % 40)), "one_id_of_many") == 0


def test_words_for_nothing_and_subtotals_are_no_buyers() -> None:
    table = orders().assign(
        buyer_id=["-", "n.a.", "client comptoir", "Subtotal A1", "Zwischensumme Mai"] + ["K1"] * 35
    )
    histories = Histories(table)

    assert histories.buyer_ids.tolist() == ["K1"]
    assert [found(histories, rule) for rule in ("missing_buyer", "guest_account", "total_row")] == [2, 1, 2]


@pytest.mark.parametrize(("unit", "stated"), [("s", "milliseconds"), ("ms", "seconds")])
def test_a_clock_of_another_unit_is_refused(unit: str, stated: str) -> None:
    table = orders()
    table["timestamp"] = pd.to_datetime(table["timestamp"]).astype(f"datetime64[{unit}]").astype("int64")
    right = {"s": "seconds", "ms": "milliseconds"}[unit]

    with pytest.raises(SchemaError, match=f"date_format='{right}'"):
        Histories(table, date_format=stated, timezone="UTC")
    assert Histories(table, date_format=right, timezone="UTC").observed_from == pd.Timestamp("2024-01-01")


def test_a_workbook_holds_ids_with_control_characters() -> None:
    pytest.importorskip("openpyxl")
    book = pd.DataFrame(
        {"note": ["a\x0bb", None], "n": [1, 2]}, index=pd.Index(["K\x00", "L"], name="buyer_id")
    )

    assert workbook_bytes({"book": book}).startswith(b"PK")


def test_a_part_with_more_slips_than_its_share_is_read_as_the_whole(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    from clientcare.features import feature_table, write_feature_table

    table = orders(600).assign(amount="10.00")
    table.loc[[1, 9, 17, 25], "amount"] = "1,5"

    whole = feature_table(Histories(table), "2024-06-01")
    parts = write_feature_table(
        transactions=table, as_of="2024-06-01", out=tmp_path / "x", n_partitions=4, n_jobs=1
    )

    written_parts = pd.read_parquet(parts.folder).set_index("buyer_id").sort_index()
    pd.testing.assert_frame_equal(whole.sort_index(), written_parts, check_index_type=False)


def test_a_whole_written_with_commas_is_refused_in_parts_too(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    from clientcare.features import write_feature_table

    table = orders(600).assign(amount="10.00")
    table.loc[::30, "amount"] = "1,5"

    with pytest.raises(SchemaError, match=r"20 of 600 numbers .*decimal"):
        Histories(table)
    with pytest.raises(SchemaError, match=r"20 of 600 numbers .*decimal"):
        write_feature_table(
            transactions=table, as_of="2024-06-01", out=tmp_path / "x", n_partitions=4, n_jobs=1
        )
    write_feature_table(
        transactions=table, as_of="2024-06-01", out=tmp_path / "x", n_partitions=4, n_jobs=1, decimal=","
    )


def test_words_for_nothing_are_the_same_in_a_workbook_as_in_text(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    table = orders(status=["paid", "n/a", "NULL", None] * 10).assign(category=["N/A", "a", None, "b"] * 10)
    table.loc[3, "buyer_id"] = "NULL"
    table.to_excel(tmp_path / "o.xlsx", index=False)
    table.to_csv(tmp_path / "o.csv", index=False)

    book, text = (cc.read_histories(tmp_path / name) for name in ("o.xlsx", "o.csv"))

    assert book.rows.equals(text.rows)
    told = [one.quality[["table", "rule", "n_rows"]].values.tolist() for one in (book, text)]
    assert told[0] == told[1]
    assert (
        book.transactions["category"].astype(str).tolist()
        == text.transactions["category"].astype(str).tolist()
    )
