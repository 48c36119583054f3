"""Tables of any make, turned into plain columns: the one place that knows pandas, polars and arrow apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clientcare.exceptions import InputError, SchemaError, SourceError
from clientcare.history.door.schema import is_ours, read_names
from clientcare.history.door.streams import arrow_stream

Cells: TypeAlias = Any
"""A column: an arrow column of one type, or Python objects where a pandas column mixes types."""

ONE_TYPE = {
    "string",
    "empty",
    "boolean",
    "integer",
    "floating",
    "date",
    "decimal",
    "bytes",
    "mixed-integer-float",
}
"""What ``pandas.api.types.infer_dtype`` says of object columns that arrow can take as they are."""

TEXTS = ("string", "large_string", "string_view")
VIEWS = ("string_view", "binary_view")
UUIDS = "extension<arrow.uuid>"
"""Types by their names: the older versions of arrow do not know all of them."""


@dataclass(frozen=True)
class GivenTable:
    """A table as it was given, its columns under our names where they are known.

    Attributes
    ----------
    table : str
        The name of the table.
    n_rows : int
        Number of rows.
    names : mapping of str to str
        Our name of a column to the name it was given under.
    ignored : tuple of str
        Columns that are not read.
    cells : callable
        The cells of a column by the name it was given under.
    take : callable
        Some of the rows, by position, as a pandas table with the names as given.
    row_numbers : int64 array or None
        The number of each row, where lines of a file were left out.
    left_out : tuple of (int, str)
        Number and text of lines of a file that are no rows.
    remarks : tuple of (str, str, int)
        What the reader of the file has to say: rule, action, number of rows.
    """

    table: str
    n_rows: int
    names: Mapping[str, str]
    ignored: tuple[str, ...]
    cells: Callable[[str], Cells]
    take: Callable[[NDArray[np.int64]], pd.DataFrame]
    row_numbers: NDArray[np.int64] | None = None
    left_out: tuple[tuple[int, str], ...] = ()
    remarks: tuple[tuple[str, str, int], ...] = ()

    def column(self, ours: str) -> Cells | None:
        """The cells of a column by our name, or None where it was not given.

        A column without a single cell filled has no type: what a library calls it then is chance.
        """
        if ours not in self.names:
            return None
        cells = self.cells(self.names[ours])
        return pa.chunked_array([pa.nulls(len(cells))]) if _is_blank(cells) else cells

    def place(self, ours: str) -> str:
        """How a message calls a column: by table and by the name it was given under."""
        return f"{self.table}, column {self.names.get(ours, ours)!r}"


@dataclass(frozen=True)
class FileTable:
    """What a file held: an arrow table, and the lines that are no rows of it."""

    table: pa.Table
    left_out: tuple[tuple[int, str], ...] = ()
    remarks: tuple[tuple[str, str, int], ...] = field(default=())


def take_in(table: str, frame: Any, mapping: Mapping[str, str | None]) -> GivenTable:
    """A table of any make as a :class:`GivenTable`.

    Raises
    ------
    InputError
        Where it is no table.
    SchemaError
        Where column names are doubled, missing or wrongly mapped.
    """
    if isinstance(frame, pd.DataFrame):
        return _from_pandas(table, frame, mapping)
    if isinstance(frame, FileTable):
        return _from_file(table, frame, mapping)
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if isinstance(frame, pa.Table):
        return _from_arrow(table, frame, mapping)
    try:
        other = nw.from_native(frame)
    except TypeError:
        other = None
    stream = None if isinstance(other, (nw.DataFrame, nw.LazyFrame)) else arrow_stream(frame)
    if stream is not None:
        return _from_arrow(table, _read_whole(table, stream), mapping)
    if not isinstance(other, (nw.DataFrame, nw.LazyFrame)):
        hint = (
            " Read files with read_histories(...)."
            if isinstance(frame, str) or hasattr(frame, "__fspath__")
            else ""
        )
        raise InputError(
            f"{table}: a {type(frame).__name__} is no table. "
            f"Give a pandas or polars frame, a pyarrow table, a DuckDB relation, or what streams in arrow form.{hint}"
        )
    return _from_arrow(table, arrow_of(table, other), mapping)


def _read_whole(table: str, stream: pa.RecordBatchReader) -> pa.Table:
    trouble = ""
    try:
        return stream.read_all()
    except (pa.ArrowException, OSError) as cause:
        trouble = type(cause).__name__
    raise SourceError(
        f"{table}: the stream broke off, or has been read already ({trouble}).\n"
        "A stream can be read once: make it anew, or give a table."
    )


def arrow_of(table: str, frame: Any) -> pa.Table:
    """A frame that narwhals knows as an arrow table.

    Raises
    ------
    SchemaError
        Where a column has no form in arrow.
    """
    trouble = ""
    try:
        if hasattr(
            frame.to_native(), "to_arrow_table"
        ):  # DuckDB, whose versions disagree with older narwhals
            return frame.to_native().to_arrow_table()
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect(backend=nw.Implementation.PYARROW)
        return frame.to_arrow()
    except Exception as cause:  # whatever the engine raises may quote cells: only its name is handed on
        trouble = type(cause).__name__
    raise SchemaError(
        f"{table}: a column cannot be handed over in arrow form ({trouble}).\n"
        "Turn columns of unusual types (such as objects or 128-bit numbers) into texts or plain numbers first."
    )


def with_index_as_columns(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The table with those levels of its index as columns that bear one of our names and are no column yet."""
    levels = [name for name in frame.index.names if is_ours(table, name) and name not in frame.columns]
    return frame.reset_index(levels) if levels else frame


def _from_pandas(table: str, frame: pd.DataFrame, mapping: Mapping[str, str | None]) -> GivenTable:
    frame = with_index_as_columns(table, frame)
    found = _distinct(table, [str(name) for name in frame.columns])
    names = read_names(table, found, {str(name): ours for name, ours in mapping.items()})
    position = {name: number for number, name in enumerate(found)}

    def take(rows: NDArray[np.int64]) -> pd.DataFrame:
        return frame.take(rows).set_axis(found, axis="columns").reset_index(drop=True)

    return GivenTable(
        table=table,
        n_rows=len(frame),
        names=names,
        ignored=_ignored(found, names),
        cells=lambda name: _cells_of_series(frame.iloc[:, position[name]], f"{table}, column {name!r}"),
        take=take,
    )


def _from_arrow(table: str, frame: pa.Table, mapping: Mapping[str, str | None]) -> GivenTable:
    found = _distinct(table, list(frame.column_names))
    frame = without_odd_types(frame)
    names = read_names(table, found, mapping)
    return GivenTable(
        table=table,
        n_rows=frame.num_rows,
        names=names,
        ignored=_ignored(found, names),
        cells=lambda name: _plain(frame.column(name)),
        take=lambda rows: frame.take(pa.array(rows)).to_pandas(ignore_metadata=True),
    )


def dictionary_of(texts: pa.ChunkedArray) -> Any:
    """The distinct texts and the codes into them, in one piece."""
    coded = texts.dictionary_encode()
    return coded.combine_chunks() if coded.num_chunks else pa.array([], pa.large_string()).dictionary_encode()


def without_odd_types(frame: pa.Table) -> pa.Table:
    """The table with plain columns in place of those that some versions of arrow, or engines, cannot handle."""
    for number, column in enumerate(frame.schema):
        if str(column.type) == UUIDS:
            texts = [None if cell is None else str(cell) for cell in frame.column(number).to_pylist()]
            frame = frame.set_column(
                number, column.name, pa.chunked_array([pa.array(texts, pa.large_string())])
            )
            continue
        if pa.types.is_dictionary(column.type) and pa.types.is_unsigned_integer(column.type.index_type):
            frame = frame.set_column(number, column.name, _plain(frame.column(number)))
        if str(column.type) in VIEWS:
            plain = pa.large_string() if is_text(column.type) else pa.large_binary()
            frame = frame.set_column(number, column.name, frame.column(number).cast(plain))
    return frame


def plain_batches(rows: pa.Table) -> pa.Table:
    """The table with types that DuckDB knows; a column without a single value is of any type, so of numbers."""
    for number, column in enumerate(rows.schema):
        if pa.types.is_null(column.type):
            nothing = pa.chunked_array([pa.nulls(rows.num_rows, pa.int64())])
            rows = rows.set_column(number, column.name, nothing)
    return without_odd_types(rows)


def _from_file(table: str, file: FileTable, mapping: Mapping[str, str | None]) -> GivenTable:
    given = _from_arrow(table, file.table, mapping)
    row_numbers = None
    if file.left_out:
        taken = np.array([number for number, _ in file.left_out], dtype=np.int64)
        row_numbers = np.setdiff1d(np.arange(given.n_rows + len(taken)), taken)
    return GivenTable(
        table=table,
        n_rows=given.n_rows,
        names=given.names,
        ignored=given.ignored,
        cells=given.cells,
        take=given.take,
        row_numbers=row_numbers,
        left_out=file.left_out,
        remarks=file.remarks,
    )


def _distinct(table: str, names: list[str]) -> list[str]:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        listed = ", ".join(repr(name) for name in doubled)
        raise SchemaError(
            f"{table}: several columns are called {listed}. Give each column a name of its own."
        )
    return names


def _ignored(found: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    read = set(names.values())
    return tuple(name for name in found if name not in read)


def _cells_of_series(series: pd.Series[Any], place: str) -> Cells:
    if series.dtype == object:
        kind = pd.api.types.infer_dtype(series, skipna=True)
        if kind not in ONE_TYPE and not (kind == "datetime" and not _any_zone(series)):
            return series.to_numpy(dtype=object, copy=True)
    try:
        cells = pa.array(series, from_pandas=True)
        return _plain(cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells]))
    except UnicodeEncodeError:
        pass
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return series.to_numpy(dtype=object, copy=True)
    raise SchemaError(
        f"{place}: holds texts that are no valid Unicode. Decode the texts anew, or replace these cells."
    )


def _is_blank(cells: Cells) -> bool:
    """Whether every cell is missing."""
    if isinstance(cells, np.ndarray):
        return bool(pd.isna(cells).all())
    if pa.types.is_floating(cells.type) and cells.null_count < len(cells):
        return pc.all(pc.is_nan(cells)).as_py() is not False
    return bool(cells.null_count == len(cells))


def _any_zone(series: pd.Series[Any]) -> bool:
    return any(getattr(cell, "tzinfo", None) is not None for cell in series)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without dictionary, with one type of text, and without the half floats few kernels know."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = pa.chunked_array(
            [chunk.dictionary_decode() for chunk in column.chunks], type=kind.value_type
        )
        kind = column.type
    if is_text(kind) and kind != pa.large_string():
        column = column.cast(pa.large_string())
    if pa.types.is_float16(kind):
        column = pa.chunked_array([_single(chunk) for chunk in column.chunks], type=pa.float32())
    return column


def _single(halves: pa.Array) -> pa.Array:
    """Half floats as single ones, by numpy: older arrow cannot cast them."""
    unknown = halves.is_null().to_numpy(zero_copy_only=False)
    return pa.array(halves.to_numpy(zero_copy_only=False).astype(np.float32), mask=unknown)


def is_text(kind: pa.DataType) -> bool:
    """Whether an arrow type holds texts."""
    return str(kind) in TEXTS


def as_numpy(column: Any) -> NDArray[Any]:
    """An arrow array, in one piece or several, as numpy."""
    if isinstance(column, pa.ChunkedArray):
        return np.asarray(column.to_numpy())
    return np.asarray(column.to_numpy(zero_copy_only=False))
