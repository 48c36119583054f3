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
