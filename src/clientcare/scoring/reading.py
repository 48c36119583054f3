"""Books read back, and checked against their manifest."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clientcare.arguments import path_of
from clientcare.book import MOMENTS, TEXTS
from clientcare.exceptions import SourceError
from clientcare.scoring.companions import manifest_beside
from clientcare.scoring.export import unguard_text
from clientcare.scoring.outputs import MANIFEST
from clientcare.scoring.publish import sha256_of

_WHOLE = ("horizon_days",)


def read_book(path: str | os.PathLike[str], *, verify: bool = True) -> pd.DataFrame:
    """A book that ``score_dataset`` wrote: a folder, a Parquet file or a CSV file.

    Parameters
    ----------
    path : path
    verify : bool
        Compare row counts and checksums with the manifest.

    Returns
    -------
    DataFrame indexed by buyer_id
        Ids and reasons of a CSV file as they were before the guard against formulas. What was to be expected of the
        book, where the file tells it, is its ``attrs["outlook"]``.

    Raises
    ------
    SourceError
        Where there is no book, or it is not the one its manifest speaks of.
    """
    path = path_of("read_book: path", path)
    try:
        if path.is_dir():
            return _from_folder(path, verify)
        if path.suffix.lower() == ".csv":
            return _from_csv(path, verify)
        table = pq.ParquetFile(path).read()
        told = json.loads((table.schema.metadata or {}).get(b"clientcare", b"{}"))
        return _with_outlook(table.to_pandas(), told)
    except (OSError, ValueError, KeyError, TypeError, csv.Error, pa.ArrowException) as cause:
        if isinstance(cause, SourceError):
            raise
        raise SourceError(f"{path.name}: no book that can be read ({type(cause).__name__}).") from None


def _with_outlook(book: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """The book, with what was to be expected of it among its ``attrs`` where the file tells."""
    if "outlook" in manifest:
        book.attrs["outlook"] = manifest["outlook"]
    return book


def _from_folder(folder: Path, verify: bool) -> pd.DataFrame:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    tables = []
    for stated in manifest["files"]:
        file = folder / Path(stated["file"]).name
        if verify and sha256_of(file) != stated["sha256"]:
            raise SourceError(
                f"{folder.name}: a part is not the one that was written (checksum). Score again."
            )
        tables.append(pq.ParquetFile(file).read())
    book: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    _require_rows(folder.name, len(book), manifest, verify)
    return _with_outlook(book, manifest)


def _from_csv(path: Path, verify: bool) -> pd.DataFrame:
    manifest_file = manifest_beside(path)
    manifest: dict[str, Any] = json.loads(manifest_file.read_bytes()) if manifest_file.is_file() else {}
    if verify and manifest and hashlib.sha256(path.read_bytes()).hexdigest() != manifest["sha256"]:
        raise SourceError(f"{path.name}: is not the file its manifest speaks of (checksum). Score again.")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if not rows:
        raise SourceError(f"{path.name}: is empty.")
    columns = {name: [row[number] for row in rows[1:]] for number, name in enumerate(rows[0])}
    if manifest.get("formula_guard", True):
        columns = {name: [unguard_text(cell) for cell in cells] for name, cells in columns.items()}
    frame = pd.DataFrame({name: _typed(name, cells, manifest) for name, cells in columns.items()})
    _require_rows(path.name, len(frame), manifest, verify)
    return _with_outlook(frame.set_index("buyer_id"), manifest)


def _typed(name: str, cells: list[str], manifest: dict[str, Any]) -> pd.Series[Any]:
    texts = pd.Series(cells, dtype=object)
    if name == "buyer_id" and manifest.get("buyer_id") == "int64":
        return texts.astype(int)
    if name == "buyer_id" or name in TEXTS:
        return texts
    if name in MOMENTS:
        return pd.to_datetime(texts.where(texts != ""))
    if name in _WHOLE:
        return texts.astype(int)
    return pd.Series(
        [float(cell) if cell else float("nan") for cell in cells], dtype=float
    )  # every bit, in any pandas


def _require_rows(name: str, n_rows: int, manifest: dict[str, Any], verify: bool) -> None:
    if verify and manifest and n_rows != manifest["n_buyers"]:
        raise SourceError(
            f"{name}: {n_rows:,} rows, but its manifest states {manifest['n_buyers']:,}. Score again."
        )
