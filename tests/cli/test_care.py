"""The care verb: a report card and a plan that fits what can be done."""

import pandas as pd
import pytest

from clientcare.cli import main
from clientcare.datasets import simulate_histories


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("firm")
    firm = simulate_histories("service_firm", 60, random_state=0)
    options = ["--horizon", "60D", "--effort", "quick", "--out", str(folder / "plan.csv")]
    for name in ("transactions", "interactions", "contracts"):
        getattr(firm, name).to_parquet(folder / f"{name}.parquet")
        options += [f"--{name}", str(folder / f"{name}.parquet")]
    return options


@pytest.mark.parametrize(("capacity", "most_actions", "most_minutes"), [("5", 5, 9999), ("2h", 99, 120)])
def test_the_plan_fits_into_a_number_of_contacts_or_hours(given, capacity, most_actions, most_minutes):
    assert main(["care", *given, "--capacity", capacity]) == 0
    plan = pd.read_csv(given[given.index("--out") + 1])
    assert 0 < len(plan) <= most_actions
    assert plan["minutes"].sum() <= most_minutes


def test_a_capacity_that_is_neither_is_a_mistake_of_the_users(given, capsys):
    assert main(["care", *given, "--capacity", "lots"]) == 2
    assert "Write 20 for twenty contacts" in capsys.readouterr().err
