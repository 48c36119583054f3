"""What tells a batch job from another, and what is published of it beside the book."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from clientcare.exceptions import OptionError
from clientcare.history.sources.databases import import_duckdb
from clientcare.history.sources.partition import Partitions
from clientcare.model.store.file import library_versions
from clientcare.scoring.publish import PartRecord


def key_of(
    model: Any,
    moment: pd.Timestamp,
    inputs: Mapping[str, Any],
    options: Mapping[str, Any],
    door: Mapping[str, Any],
    labels: pd.Series[Any] | None,
    n_parts: int,
    form: Mapping[str, Any],
) -> dict[str, Any]:
    """What makes two jobs the same: a start with another key takes up nothing of an earlier one."""
    return {
        "inputs": dict(inputs),
        "model_id": _id_of(model),
        "as_of": moment.isoformat(),
        "options": {
            **options,
            **_plain_options(door),
            **({} if labels is None else {"labels": _digest_of(labels)}),
        },
        "n_parts": n_parts,
        "output": dict(form),
        "versions": _versions(),
    }


def manifest_of(key: Mapping[str, Any], partitions: Partitions, records: list[PartRecord]) -> dict[str, Any]:
    """What is published beside a book: what was read, by which model, and what the door found, added up over the parts."""
    found: dict[tuple[str, str, str], int] = {}
    for table, findings in partitions.findings.items():
        for rule, action, n_rows in findings:
            found[table, rule, action] = n_rows
    for record in records:
        for table, rule, n_rows, action in record.facts["quality"]:
            found[table, rule, action] = found.get((table, rule, action), 0) + n_rows
    inputs = {
        table: {
            "fingerprint": key["inputs"][table],
            "rows_digest": partitions.digests[table],
            "n_rows": partitions.n_rows[table],
        }
        for table in partitions.tables
    }
    return {
        "format": "clientcare book",
        "schema_version": 1,
        "job": hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest(),
        "model_id": key["model_id"],
        "as_of": key["as_of"],
        "inputs": inputs,
        "n_rows": dict(partitions.n_rows),
        "n_buyers": sum(record.n_rows for record in records),
        "parts": [{"n_rows": record.n_rows, "sha256": record.sha256} for record in records],
        "quality": [[table, rule, n_rows, action] for (table, rule, action), n_rows in sorted(found.items())],
        "versions": key["versions"],
    }


def _digest_of(labels: pd.Series[Any]) -> str:
    """A digest of a list that tells two lists apart and names nobody; the order of its rows does not matter."""
    told = sorted(zip(labels.index.astype(str), labels.astype(str), strict=True))
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _id_of(model: Any) -> str:
    named = getattr(model, "model_id_", None)
    if named is not None:
        return str(named)
    if not hasattr(model, "score"):
        raise OptionError(
            "model: has no score(histories, as_of). Fit a RelationshipModel, or load one with load_model."
        )
    import joblib

    return f"{type(model).__name__}-{joblib.hash(model)[:12]}"


def _plain_options(door: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        if isinstance(value, (int, float, str, dict, type(None)))
        else value.to_csv(index=False)
        if isinstance(value, pd.DataFrame)
        else str(value)
        for name, value in door.items()
    }


def _versions() -> dict[str, str]:
    duckdb = import_duckdb("Work that is bigger than memory")
    return {**library_versions(), "pyarrow": pa.__version__, "duckdb": duckdb.__version__}
