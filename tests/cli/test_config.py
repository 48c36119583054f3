"""A config file that says nonsense is the user's mistake, told in one message."""

from __future__ import annotations

import pytest

from clientcare.cli import main


@pytest.mark.parametrize(
    "line",
    [
        "columns = 5",
        '[columns]\ntransactions = "x"',
        "[columns.transactions]\nbuyer_id = 5",
        'kinds = ["x"]',
        "delimiter = 3",
        "interactions = 5",
    ],
)
def test_a_config_of_the_wrong_form_is_a_mistake_of_the_user(tmp_path, capsys, line):
    orders = tmp_path / "orders.csv"
    orders.write_text("buyer_id,timestamp,amount\na,2024-01-01,5\n")
    config = tmp_path / "clientcare.toml"
    config.write_text(f"{line}\n")
    assert main(["check", "--transactions", str(orders), "--config", str(config)]) == 2
    assert "--config: " in capsys.readouterr().err


@pytest.mark.parametrize("pair", ['buyer_id = "Customer ID"', '"Customer ID" = "buyer_id"'])
def test_a_column_is_mapped_whichever_of_its_names_comes_first(tmp_path, capsys, pair):
    orders = tmp_path / "orders.csv"
    orders.write_text("Customer ID,timestamp,amount\na,2024-01-01,5\n")
    config = tmp_path / "clientcare.toml"
    config.write_text(f"[columns.transactions]\n{pair}\n")
    assert main(["check", "--transactions", str(orders), "--config", str(config), "--json"]) == 0
    assert '"n_buyers": 1' in capsys.readouterr().out


def test_a_config_that_maps_columns_of_no_table_is_a_mistake_of_the_user(tmp_path, capsys):
    orders = tmp_path / "orders.csv"
    orders.write_text("buyer_id,timestamp,amount\na,2024-01-01,5\n")
    config = tmp_path / "clientcare.toml"
    config.write_text('[columns.orders]\nbuyer_id = "Customer ID"\n')
    assert main(["check", "--transactions", str(orders), "--config", str(config)]) == 2
    assert "no table 'orders'" in capsys.readouterr().err
