"""What files of others hold is found from the files alone, and what they cannot tell is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import clientcare as cc
from clientcare.cli import main
from clientcare.exceptions import OptionError, SourceError
from history.exports import EXPORTS, Export


@pytest.fixture(params=EXPORTS, ids=lambda export: export.name)
def export(request: pytest.FixtureRequest) -> Export:
    return request.param


def test_an_export_is_known_for_what_it_is(export: Export, tmp_path: Path) -> None:
    export.write(tmp_path / export.name)

    guessed = cc.guess_options(tmp_path / export.name)

    assert list(guessed.sources) == [export.table]
    ours = {ours: theirs for theirs, ours in guessed.columns[export.table].items()}
    assert {name: ours.get(name) for name in export.right} == export.right
    assert {name: guessed.options.get(name) for name in export.options} == export.options


def test_what_is_proposed_is_read_without_a_failed_command(export: Export, tmp_path: Path) -> None:
    if export.name == "shop_lines.csv" and "unit_price" not in _known_columns("transactions"):
        pytest.skip("quantity x price is not known to the door")
    export.write(tmp_path / export.name)

    histories = cc.guess_options(tmp_path / export.name).read()

    rows = histories.rows.loc[export.table]
    assert rows["rows_kept"] >= 0.45 * rows["rows_in"]  # cancelled invoices are set aside
    assert len(histories.buyer_ids) >= 6  # refunded and cancelled orders make no buyer


def _known_columns(table: str) -> tuple[str, ...]:
    from clientcare.history.door.schema import schema_of

    return tuple(schema_of(table).columns)


def test_the_python_that_is_proposed_runs(tmp_path: Path) -> None:
    export = next(one for one in EXPORTS if one.name == "kontoauszug.csv")
    export.write(tmp_path / export.name)
    program = cc.guess_options(tmp_path / export.name).to_python() + "\nprint(len(histories.buyer_ids))"

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["12"]


def test_day_and_month_that_nobody_can_tell_apart_are_asked(tmp_path: Path) -> None:
    days = [f"{1 + n % 12:02d}/{1 + n % 5:02d}/2024" for n in range(40)]
    pd.DataFrame({"customer": range(40), "date": days, "amount": 1.5}).to_csv(
        tmp_path / "orders.csv", index=False
    )

    guessed = cc.guess_options(tmp_path / "orders.csv")

    assert len(guessed.questions) == 1
    assert "%d/%m/%Y" in guessed.questions[0]
    assert "%m/%d/%Y" in guessed.questions[0]


def test_a_column_that_is_not_there_is_asked_with_those_that_are(tmp_path: Path) -> None:
    pd.DataFrame({"when": ["2024-01-31"], "amount": [3]}).to_csv(tmp_path / "orders.csv", index=False)

    (question,) = [q for q in cc.guess_options(tmp_path / "orders.csv").questions if "buyer_id" in q]

    assert "'orders.csv' as" in question


def test_a_table_that_is_named_is_not_guessed(tmp_path: Path) -> None:
    pd.DataFrame({"customer_id": [1, 2], "start_date": "2024-01-31"}).to_csv(tmp_path / "x.csv", index=False)

    assert list(cc.guess_options({"contracts": tmp_path / "x.csv"}).sources) == ["contracts"]


def test_no_file_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")

    with pytest.raises(SourceError, match="is empty"):
        cc.guess_options(tmp_path / "empty.csv")
    with pytest.raises(OptionError, match="no file named"):
        cc.guess_options([])


def test_from_init_to_the_check_in_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("rechnungen.csv", "dialer_log.csv", "vertraege.csv"):
        next(one for one in EXPORTS if one.name == name).write(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert main(["init", "rechnungen.csv", "dialer_log.csv", "vertraege.csv"]) == 0
    assert main(["check", "--json"]) == 0

    told = capsys.readouterr().out
    assert "Read so" in told
    assert (tmp_path / "clientcare.toml").read_text().count("[columns.") == 3


def test_init_writes_over_nothing_unless_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    next(one for one in EXPORTS if one.name == "pedidos.csv").write(tmp_path / "pedidos.csv")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clientcare.toml").write_text("# mine")

    assert main(["init", "pedidos.csv"]) == 2
    assert (tmp_path / "clientcare.toml").read_text() == "# mine"
    assert main(["init", "pedidos.csv", "--force"]) == 0


def test_a_config_that_lies_about_holds_options_of_verbs_and_the_command_line_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clientcare.cli.program import _parser

    monkeypatch.chdir(tmp_path)
    (tmp_path / "clientcare.toml").write_text(
        'transactions = "x.csv"\nhorizon = "45D"\nmodel = "m.clientcare"\n'
    )

    assert _parser(["fit"]).parse_args(["fit"]).model == "m.clientcare"
    assert _parser(["fit"]).parse_args(["fit"]).horizon == "45D"
    assert _parser(["fit"]).parse_args(["fit", "--horizon", "30D"]).horizon == "30D"


def test_every_option_of_a_config_is_a_flag() -> None:
    from clientcare.cli import tables
    from clientcare.cli.program import _parser

    flags = _parser(["check"]).parse_args(["check"])
    options = {*tables.TABLES, *tables._AT_THE_DOOR, *tables._WRITING, "satisfaction_scale", "kind", "column"}
    assert options <= set(vars(flags))
