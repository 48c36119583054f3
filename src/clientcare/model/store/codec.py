"""Values and arrays as they stand in a model file: plain JSON, and bytes with a type and a shape."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.exceptions import ModelFileError

MAX_DEPTH = 50
MAX_ARRAYS = 20_000

_PLAIN = re.compile(r"^(?:\|b1|\|[iu]1|<[iu](?:2|4|8)|<f(?:4|8)|<U[1-9][0-9]{0,4})$")
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)', re.DOTALL)


class Refused(Exception):
    """Why a file is no model file of ours."""


def encoded(
    value: Any, arrays: list[NDArray[Any]] | None, places: list[dict[str, Any]] | None, where: str
) -> Any:
    """The value in JSON's own types; arrays are put aside and leave their number behind."""
    if value is None or isinstance(value, (bool, str)):
        return value if value is None or isinstance(value, bool) else str(value)
    if isinstance(value, np.generic):
        return encoded(value.item(), arrays, places, where)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, Mapping):
        bad = [key for key in value if not isinstance(key, str) or key.startswith("$")]
        if bad:
            raise ModelFileError(
                f"model file: {where} has {len(bad)} keys that are no text or begin with '$'."
            )
        return {str(key): encoded(item, arrays, places, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [encoded(item, arrays, places, f"{where}[{number}]") for number, item in enumerate(value)]
        return {"$tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, np.ndarray) and arrays is not None and places is not None:
        return {"$array": _set_aside(value, arrays, places, where)}
    raise ModelFileError(
        f"model file: {where} is a {type(value).__name__}, which a model file does not hold.\n"
        "Allowed are None, bool, int, float, text, dicts, lists, tuples, and (in the state) arrays "
        "of numbers or text."
    )


def _set_aside(
    value: NDArray[Any], arrays: list[NDArray[Any]], places: list[dict[str, Any]], where: str
) -> int:
    array = np.ascontiguousarray(value).reshape(value.shape)
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and not np.little_endian):
        array = array.astype(array.dtype.newbyteorder("<"))
    kind = array.dtype.str
    if not _PLAIN.match(kind):
        raise ModelFileError(
            f"model file: {where} is an array of {value.dtype}; only bool, integers, float32, float64 "
            "and text are held."
        )
    arrays.append(array)
    places.append({"dtype": kind, "shape": list(array.shape)})
    return len(arrays) - 1


def json_bytes(value: Any, indent: int | None = None) -> bytes:
    """A value as JSON in ASCII; the same value gives the same bytes."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent, separators=separators).encode(
        "ascii"
    )


def parsed(text: bytes) -> Any:
    """JSON without surprises: bounded depth, no key twice, no NaN."""
    bare = np.frombuffer(_STRINGS.sub(b"", text), dtype=np.uint8)
    opens = np.isin(bare, np.frombuffer(b"[{", dtype=np.uint8)).astype(np.int8)
    closes = np.isin(bare, np.frombuffer(b"]}", dtype=np.uint8)).astype(np.int8)
    if len(bare) and np.cumsum(opens - closes, dtype=np.int32).max() > MAX_DEPTH:
        raise Refused("its values are nested too deeply")
    return json.loads(text.decode("ascii"), object_pairs_hook=_distinct, parse_constant=_no_constant)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("a key stands twice in its values")
    return found


def _no_constant(_: str) -> Any:
    raise Refused("its values are not plain JSON")


def arrays_of(places: list[Any], content: bytes) -> list[NDArray[Any]]:
    """The arrays in some bytes, one after the other, each by its type and shape."""
    if len(places) > MAX_ARRAYS:
        raise Refused("it holds too many arrays")
    arrays, start = [], 0
    for place in places:
        if type(place) is not dict or set(place) != {"dtype", "shape"} or type(place["shape"]) is not list:
            raise Refused("an array has no proper place")
        kind, shape = place["dtype"], place["shape"]
        if type(kind) is not str or not _PLAIN.match(kind) or len(shape) > 8:
            raise Refused("an array is of a type that a model does not hold")
        if any(type(length) is not int or not 0 <= length <= len(content) for length in shape):
            raise Refused("an array has no proper shape")
        dtype = np.dtype(kind)
        n_bytes = math.prod(shape) * dtype.itemsize
        if start + n_bytes > len(content):
            raise Refused("an array reaches past the end")
        arrays.append(_array(content[start : start + n_bytes], dtype, shape))
        start += n_bytes
    if start != len(content):
        raise Refused("it holds bytes that belong to no array")
    return arrays


def _array(content: bytes, dtype: np.dtype[Any], shape: list[int]) -> NDArray[Any]:
    codes = np.frombuffer(
        content, dtype=np.uint8 if dtype.kind == "b" else np.uint32 if dtype.kind == "U" else dtype
    )
    if (dtype.kind == "b" and len(codes) and codes.max() > 1) or (
        dtype.kind == "U" and len(codes) and codes.max() > 0x10FFFF
    ):
        raise Refused("an array holds values that its type does not have")
    return (
        np.frombuffer(bytearray(content), dtype=dtype)
        .reshape(shape)
        .astype(dtype.newbyteorder("="), copy=False)
    )


def decoded(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """The value behind its form in JSON, arrays in their places."""
    if isinstance(value, list):
        return [decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    marks = [key for key in value if key.startswith("$")]
    if not marks:
        return {key: decoded(item, arrays) for key, item in value.items()}
    if len(value) == 1:
        mark, item = next(iter(value.items()))
        if mark == "$float" and item in ("nan", "inf", "-inf"):
            return float(item)
        if mark == "$tuple" and isinstance(item, list):
            return tuple(decoded(part, arrays) for part in item)
        if mark == "$array" and type(item) is int and 0 <= item < len(arrays):
            return arrays[item]
    raise Refused("a value has a form that is not known")
