"""Answers worked out once: the same buyers at the same date are asked about again by the next question."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Any

import numpy as np

KEPT = 8
"""Two dates (now, and the date judged at) of each of a few questions, for two members; small parameters, no buyers."""


class Recall:
    """The last few answers of a function of arrays, found again by a digest of what it was asked.

    The function must answer from its arguments alone. What it is given is not kept, only what it said.

    Examples
    --------
    >>> import numpy as np
    >>> told = []
    >>> total = Recall(lambda values: told.append("worked") or float(values.sum()))
    >>> total(np.arange(4.0)), total(np.arange(4.0)), told
    (6.0, 6.0, ['worked'])
    """

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self._answers: OrderedDict[bytes, Any] = OrderedDict()
        self._lock = Lock()

    def __call__(self, *arrays: Any) -> Any:
        """The answer for arrays, worked out where it is not among the last few."""
        key = _digest(arrays)
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        answer = self._work(*arrays)
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        return answer


def _digest(arrays: tuple[Any, ...]) -> bytes:
    told = blake2b(digest_size=16)
    for array in arrays:
        values = np.ascontiguousarray(array)
        told.update(f"{values.dtype.str}{values.shape}".encode())
        told.update(values.data)
    return told.digest()
