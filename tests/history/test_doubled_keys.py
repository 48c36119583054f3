"""Rows that may be copies are found by their neighbours after a sort."""

import numpy as np
import pandas as pd
import pytest

from clientcare.history.door.copies import _of_several


@pytest.mark.parametrize("n_values", [1, 5, 900, 2**62])
@pytest.mark.parametrize("n_keys", [0, 1, 2, 1_000])
def test_keys_of_several_rows_are_found(n_keys, n_values):
    keys = np.random.default_rng(n_keys).integers(0, n_values, n_keys).astype(np.uint64)
    keys *= np.uint64(0x9E3779B97F4A7C15)
    expected = np.flatnonzero(pd.Series(keys).duplicated(keep=False).to_numpy())
    np.testing.assert_array_equal(_of_several(keys), expected)
