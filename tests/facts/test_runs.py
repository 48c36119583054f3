"""The kernel's helpers."""

import numpy as np
import pytest

from clientcare.facts.runs import distinct


@pytest.mark.parametrize("keys", [[], [5], [7, 2, 7, 5, 2], [0, -1, 2**62, -1]])
def test_distinct_keys_are_those_of_numpy(keys):
    keys = np.array(keys, dtype=np.int64)
    given = keys.copy()
    np.testing.assert_array_equal(distinct(keys), sorted(set(keys.tolist())))
    np.testing.assert_array_equal(keys, given)
