"""The kernel against the same features said in plain Python: equal to 1e-9, and unknown in the same places."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from clientcare.facts.events import frame_of
from clientcare.features import feature_catalogue, feature_table
from features.plain_features import features_in_python
from strategies import histories_of, some_dates, some_tables

FAMILIES = ["timing", "rhythm", "spend", "windows", "season", "breadth"]


def compare(histories, as_of, windows) -> set[str]:
    """Names of the features compared; fails where one differs."""
    ours = feature_table(histories, as_of, FAMILIES, windows)
    theirs = features_in_python(
        frame_of(histories.events("transactions"), histories.buyer_ids), as_of, windows
    )
    assert ours.index.tolist() == theirs.index.tolist()
    for name in ours.columns if len(ours) else []:
        np.testing.assert_allclose(ours[name], theirs[name].astype(float), 1e-9, 1e-9, err_msg=name)
    return set(ours.columns)


@settings(max_examples=max(200, settings().max_examples))
@given(
    some_tables(interactions=False, contracts=False),
    some_dates(),
    st.lists(st.integers(1, 800), min_size=1, max_size=2, unique=True),
)
def test_random_histories_give_what_plain_python_gives(tables, as_of, windows):
    compare(histories_of(tables), as_of, windows)


def test_every_feature_of_transactions_is_said_in_plain_python(full_tables):
    histories = histories_of({"transactions": full_tables["transactions"]})
    compared = compare(histories, pd.Timestamp("2021-06-01"), [30, 90, 400])
    assert compared == set(feature_catalogue(FAMILIES, [30, 90, 400])["name"])
