"""A short name for everything a model has learned: the same learning, the same name."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np


def fingerprint(state: Any) -> str:
    """Twelve characters that change with any learned number.

    Examples
    --------
    >>> fingerprint({"a": [1.0]}) == fingerprint({"a": [1.0]}), fingerprint([1.0]) == fingerprint([2.0])
    (True, False)
    """
    digest = hashlib.sha256()
    _feed(digest, state)
    return digest.hexdigest()[:12]


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, dict):
        digest.update(b"{")
        for key in sorted(value):
            _feed(digest, str(key))
            _feed(digest, value[key])
    elif isinstance(value, (list, tuple)):
        digest.update(b"[")
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, np.generic):
        _feed(digest, value.item())
    else:
        digest.update(json.dumps(value).encode())
    digest.update(b";")
