"""A mistake of the caller is told in one message, in the words of the command line."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from clientcare.cli import main


@pytest.fixture
def orders(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("buyer_id,timestamp,amount\na,2024-01-01,5\nb,2024-02-01,6\n")
    return ["--transactions", str(path)]


def test_done_is_0_and_json_is_one_object_a_line(orders, capsys):
    assert main(["check", *orders, "--json"]) == 0
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events[:3] == ["rows", "observed", "quality"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["score", "--as-of", "03/04/2024", "--horizon", "7D"], "begins with its year"),
        (["fit", "--model", "m.clientcare"], "--horizon 90D"),
        (["features", "--family", "nonsense"], "nonsense"),
        (["score", "--model", "nowhere"], "cannot be opened"),
        (["check", "--column", "transactions.buyer_id=who"], "no column 'who'"),
        (["check", "--out", "table.ods"], ".parquet, .csv or .xlsx"),
    ],
)
def test_a_mistake_is_2_with_one_message(orders, wrong, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([wrong[0], *orders, *wrong[1:]]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"clientcare {wrong[0]}: ")
    assert words in told
    assert "Traceback" not in told


def test_check_names_the_columns_that_were_not_read(tmp_path, capsys):
    (tmp_path / "orders.csv").write_text("buyer_id,timestamp,amount,country\na,2024-01-01,5,UK\n")
    orders = ["--transactions", str(tmp_path / "orders.csv")]
    assert main(["check", *orders]) == 0
    assert "Columns not read: country of transactions." in capsys.readouterr().out
    assert main(["check", *orders, "--json"]) == 0
    assert '{"event": "ignored_columns", "transactions": ["country"]}' in capsys.readouterr().out


def test_where_nothing_suggests_a_horizon_the_shell_asks_for_one(tmp_path, capsys):
    calls = pd.DataFrame({"buyer_id": ["a", "b"], "timestamp": ["2023-01-01", "2023-02-01"]})
    calls.to_csv(tmp_path / "orders.csv", index=False)
    assert main(["backtest", "--transactions", str(tmp_path / "orders.csv")]) == 2
    assert "State the horizon yourself: --horizon 90D" in capsys.readouterr().err


def test_what_is_wrong_at_the_door_is_mended_in_words_of_the_shell(tmp_path, capsys):
    (tmp_path / "orders.csv").write_text("Customer ID,InvoiceDate\na,2024-01-01\n")
    assert main(["check", "--transactions", str(tmp_path / "orders.csv")]) == 2
    assert "--column transactions.buyer_id='Customer ID'" in capsys.readouterr().err
    (tmp_path / "crm.csv").write_text("buyer_id,timestamp,satisfaction\na,2024-01-01,4\n")
    assert main(["check", "--interactions", str(tmp_path / "crm.csv")]) == 2
    assert "satisfaction_scale = [1, 5]" in capsys.readouterr().err
