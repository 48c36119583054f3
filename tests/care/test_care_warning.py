"""Lead time, surprises and false alarms, on cases small enough to count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clientcare.care import early_warning, warn_with_model
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError
from clientcare.history import Histories

DATES = pd.to_datetime(["2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01", "2024-07-01"])


def bought(**days: list[str]) -> pd.DataFrame:
    rows = [(buyer, day, 10.0) for buyer, several in days.items() for day in several]
    table = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    return table.assign(timestamp=pd.to_datetime(table["timestamp"]))


def risks(**by_buyer: list[float]) -> pd.Series:
    return pd.DataFrame(by_buyer, index=DATES).rename_axis("as_of").stack().rename_axis(["as_of", "buyer_id"])


# horizon 60 days, data until 2024-10-01
# gone: last purchase 2024-03-20, left 60 days later, on 2024-05-19; stays: buys every month
MONTHLY = [f"2024-{month:02d}-10" for month in range(1, 10)]
HISTORIES = Histories(
    bought(gone=["2024-01-20", "2024-03-20"], stays=MONTHLY),
    observed_from="2024-01-01",
    observed_until="2024-10-01",
)
RISKS = risks(gone=[0.1, 0.4, 0.6, 0.9, 0.9], stays=[0.1, 0.1, 0.4, 0.1, 0.1])


def test_lead_time_runs_from_the_first_warning_to_the_leaving():
    found = early_warning(RISKS, HISTORIES, lines=(0.3, 0.5, 0.95), horizon="60D")
    table = found.leavers.set_index("line")
    assert table.loc[0.3, "left_on"] == pd.Timestamp("2024-05-19")
    assert table.loc[0.3, "first_warning"] == pd.Timestamp("2024-04-01")
    assert table["lead_days"].tolist()[:2] == [48.0, 18.0]
    assert np.isnan(table.loc[0.95, "lead_days"])


def test_a_leaver_never_warned_of_is_a_surprise():
    lines = early_warning(RISKS, HISTORIES, lines=(0.3, 0.95), horizon="60D").lines.loc["risk"]
    assert lines["n_leavers"].tolist() == [1, 1]
    assert lines["surprise_rate"].tolist() == [0.0, 1.0]


def test_an_alarm_is_a_run_of_dates_and_is_true_if_the_buyer_leaves_within_the_horizon_of_one_of_them():
    lines = early_warning(RISKS, HISTORIES, lines=(0.3,), horizon="60D").lines.loc["risk"]
    assert lines["n_true_alarms"].item() == 1  # gone, from April on
    assert lines["n_false_alarms"].item() == 1  # stays, in May
    assert lines["false_per_true"].item() == 1.0


def test_the_recency_rule_warns_of_as_many_buyers_at_each_date():
    lines = early_warning(RISKS, HISTORIES, lines=(0.3,), horizon="60D").lines
    assert lines.loc[("recency", 0.3), "share_warned"] == lines.loc[("risk", 0.3), "share_warned"]
    # in March nobody is warned of; in April the longest silence is that of stays (22 days against 12)
    assert lines.loc[("recency", 0.3), "n_false_alarms"] == 1


def test_a_warning_of_somebody_who_left_already_is_neither_true_nor_false():
    late = RISKS.where(
        RISKS.index.get_level_values(0) > "2024-05-19", 0.1
    )  # over the line in June and July alone
    lines = early_warning(late, HISTORIES, lines=(0.3,), horizon="60D").lines.loc["risk"]
    assert lines["surprise_rate"].item() == 1.0
    assert lines[["n_true_alarms", "n_false_alarms"]].to_numpy().tolist() == [[0, 0]]


def test_a_leaving_whose_silence_is_not_over_when_the_data_ends_does_not_count():
    early = Histories(
        bought(gone=["2024-01-20", "2024-03-20"], stays=MONTHLY[:4]),
        observed_from="2024-01-01",
        observed_until="2024-05-10",
    )
    seen = RISKS[RISKS.index.get_level_values(0) <= "2024-04-01"]
    assert early_warning(seen, early, lines=(0.3,), horizon="60D").lines["n_leavers"].tolist() == [0, 0]


def test_a_buyer_under_contract_leaves_when_the_last_term_ends():
    term = pd.DataFrame(
        {
            "buyer_id": ["gone", "gone", "stays"],
            "start": pd.to_datetime(["2023-05-11", "2024-01-01", "2024-01-01"]),
            "end": pd.to_datetime(["2024-05-10", "2024-04-30", None]),
        }
    )
    talk = pd.DataFrame(
        {"buyer_id": ["stays"], "timestamp": pd.to_datetime(["2024-05-01"]), "kind": ["renewal_talk"]}
    )
    histories = Histories(
        contracts=term,
        interactions=talk.assign(direction="mutual"),
        observed_from="2023-01-01",
        observed_until="2024-10-01",
    )
    found = early_warning(RISKS, histories, lines=(0.3,), horizon="60D")
    assert found.leavers["left_on"].tolist() == [pd.Timestamp("2024-05-11")]
    assert found.lapsed == {"n_lapsed": 1.0, "n_without_talk": 1.0, "share_without_talk": 1.0}
    assert "1 of 1 contracts that lapsed" in repr(found)


def test_a_model_is_fitted_once_before_the_first_date():
    class Silence:
        horizon = "60D"

        def fit(self, histories, as_of):
            self.fitted_as_of = as_of
            return self

        def score(self, histories, as_of):
            assert self.fitted_as_of == DATES[0]
            return pd.DataFrame({"churn_risk": RISKS.xs(as_of)})

    model = Silence()
    found = warn_with_model(model, HISTORIES, DATES, lines=(0.3,))
    pd.testing.assert_frame_equal(
        found.lines, early_warning(RISKS, HISTORIES, lines=(0.3,), horizon="60D").lines
    )
    assert not hasattr(model, "fitted_as_of")


def test_mistakes_are_named():
    with pytest.raises(InputError, match="as_of, buyer_id"):
        early_warning(RISKS.xs(DATES[0]), HISTORIES)
    with pytest.raises(InputError, match="5 rows"):
        early_warning(RISKS.rename({"gone": "nobody"}, level=1), HISTORIES)
    with pytest.raises(OptionError, match="between 0 and 1"):
        early_warning(RISKS, HISTORIES, lines=(30,))
    with pytest.raises(NotEnoughDataError, match="Score earlier dates"):
        early_warning(RISKS, HISTORIES, horizon="300D")
