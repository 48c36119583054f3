"""Files and databases at the door: CSV and Parquet, one, several, a pattern or a folder; tables and queries.

From CSV every cell comes as text, so that no id is ever guessed ("00004" stays "00004"); an empty cell is
unknown.
"""

from __future__ import annotations

import csv
from codecs import getincrementaldecoder
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from clientcare.exceptions import OptionError, SchemaError, SourceError
from clientcare.history.door.intake import FileTable
from clientcare.history.door.schema import ColumnMap
from clientcare.history.histories import Histories
from clientcare.history.options import DoorOptions, shows_door_options
from clientcare.history.sources.databases import DatabaseQuery, is_address, query_of_address
from clientcare.history.sources.disguised import require_as_named, why_not_opened
from clientcare.history.sources.packed import TEXT_ENDS, ZIP, csv_input, text_stream
from clientcare.history.sources.workbooks import WHOLE_ENDS, read_whole
from clientcare.progress import ProgressBar

CSV_ENDS = (*(end + packed for packed in ("", ".gz", ".bz2", ".zst") for end in TEXT_ENDS), ZIP)
PARQUET_ENDS = (".parquet", ".pq")
DELIMITERS = (",", ";", "\t", "|")
MOST_SKIPPED = 1_000
"""The header is looked for in the first 64 KiB; a thousand lines above it are no title any more."""


@shows_door_options
def read_histories(
    transactions: Any = None,
    interactions: Any = None,
    contracts: Any = None,
    buyers: Any = None,
    *,
    columns: ColumnMap | None = None,
    encoding: str | Mapping[str, str] = "utf-8",
    delimiter: str | Mapping[str, str] | None = None,
    skip_lines: int | Mapping[str, int] = 0,
    **options: Unpack[DoorOptions],
) -> Histories:
    r"""Histories from files or databases.

    Parameters
    ----------
    transactions, interactions, contracts, buyers : path, pattern, folder, list of paths, database, or table
        CSV (also compressed: gz, bz2, zst, or alone in a zip), Parquet, JSON (a list of records, or one record a
        line), or a workbook (``.xlsx``, ``.xls``, its first sheet). A folder stands for all its CSV and Parquet
        files, in the order of their names; several files of a table must have the same columns. A database is
        named by its address with the table behind a ``#`` (``"postgresql+psycopg://host/shop#orders"``,
        ``"duckdb:///shop.db#orders"``) or asked by a :class:`~clientcare.history.DatabaseQuery`. Tables, and
        whatever streams in arrow form (a ``RecordBatchReader``, a scan of a lake), are taken as they are.
    encoding : str, or mapping of table to str
        How the CSV files encode texts.
    delimiter : str, or mapping of table to str, optional
        What parts the cells of the CSV files; by default what a first line ``sep=;`` states, else the one among
        comma, semicolon, tab and bar that parts the header.
    skip_lines : int, or mapping of table to int
        How many lines stand above the header of the CSV files: a title, the date of an export.
    columns : mapping of table to mapping of their name to ours, optional
        As for :class:`Histories`; their name to None leaves a column out.
    **options
        All further options of :class:`Histories`; the signature names them.

    Returns
    -------
    Histories

    Raises
    ------
    SourceError
        Where there is no such file, or it cannot be read, or a database does not answer.
    SchemaError
        Where files of one table differ in their columns.
    OptionError
        Where ``encoding`` or ``delimiter`` makes no sense.
    MissingExtraError
        Where a database is named and its driver is not installed (``pip install 'clientcare[sql]'``).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "orders.csv").write_text("buyer_id,timestamp,amount\n00004,2024-01-31,9.5\n")
    >>> list(read_histories(folder / "orders.csv").buyer_ids)
    ['00004']
    """
    tables = {
        "transactions": transactions,
        "interactions": interactions,
        "contracts": contracts,
        "buyers": buyers,
    }
    read = {}
    with ProgressBar("Reading", n_steps=len(tables) + 1) as bar:
        for place, (name, source) in enumerate(tables.items()):
            bar.at(place, name)
            read[name] = read_source(name, source, CsvForm.of(name, encoding, delimiter, skip_lines))
        bar.at(len(tables), "checking and sorting")
        return Histories(**read, columns=columns, **options)


def read_source(table: str, source: Any, form: CsvForm | None = None) -> Any:
    """What a source holds; anything that is neither a path nor a database is handed on as it is."""
    if is_address(source):
        source = query_of_address(table, source)
    if isinstance(source, DatabaseQuery):
        return source.read()
    if isinstance(source, (str, PathLike)):
        return read_files(table, files_of(table, source), form)
    if (
        isinstance(source, (list, tuple))
        and source
        and all(isinstance(one, (str, PathLike)) for one in source)
    ):
        files = [file for one in source for file in files_of(table, one)]
        return read_files(table, files, form)
    return source


@dataclass(frozen=True)
class CsvForm:
    """How the CSV files of one table are written.

    Attributes
    ----------
    encoding : str
    delimiter : str or None
        None where the header tells.
    skip_lines : int
        Lines above the header.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    skip_lines: int = 0

    @classmethod
    def of(
        cls,
        table: str,
        encoding: str | Mapping[str, str] = "utf-8",
        delimiter: str | Mapping[str, str] | None = None,
        skip_lines: int | Mapping[str, int] = 0,
    ) -> CsvForm:
        """The form of one table, where each option is one for all tables or a mapping by table.

        Raises
        ------
        OptionError
            Where an option makes no sense.
        """
        form = cls(
            encoding.get(table, "utf-8") if isinstance(encoding, Mapping) else encoding,
            delimiter.get(table) if isinstance(delimiter, Mapping) else delimiter,
            skip_lines.get(table, 0) if isinstance(skip_lines, Mapping) else skip_lines,
        )
        check_csv_options(form.encoding, form.delimiter)
        if not (isinstance(form.skip_lines, int) and 0 <= form.skip_lines <= MOST_SKIPPED):
            raise OptionError(f"skip_lines: must be a whole number from 0 to {MOST_SKIPPED}.")
        return form


@dataclass(frozen=True)
class CsvStart:
    """Where the rows of a CSV file begin: lines above the header, the header, what parts the cells."""

    skip_lines: int
    header: str
    delimiter: str


def check_csv_options(encoding: str, delimiter: str | None) -> None:
    """Refuse an encoding that there is not, and a delimiter that is no character.

    Raises
    ------
    OptionError
    """
    known = isinstance(encoding, str)
    try:
        getincrementaldecoder(encoding)
    except (LookupError, TypeError):
        known = False
    if not known:
        raise OptionError("encoding: no such encoding. Write it as 'utf-8', 'latin-1' or 'cp1252'.")
    if delimiter is not None and not (isinstance(delimiter, str) and len(delimiter) == 1):
        raise OptionError("delimiter: must be one character in quotes, for instance ';' or '\\t'.")


def files_of(table: str, source: str | PathLike[str]) -> list[Path]:
    """The files behind a path, a pattern or a folder, in the order of their names.

    Raises
    ------
    SourceError
        Where there are none.
    """
    place = fspath(source)
    if not place.strip():
        raise SourceError(f"{table}: an empty path. Name a file, a folder or a pattern.")
    path = Path(place).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file() and _is_table(file, path))
    elif has_magic(place):
        found = sorted(Path(file) for file in glob(str(path), recursive=True) if Path(file).is_file())
    else:
        raise SourceError(
            f"{table}: no file, folder or pattern {place!r}. Check the path; it is read from {Path.cwd()}."
        )
    if not found:
        raise SourceError(f"{table}: no CSV or Parquet file in {place!r}.")
    return found


def read_files(table: str, files: Sequence[Path], form: CsvForm | None = None) -> FileTable:
    """Several files of one table as one; row numbers run on through the files."""
    parts = [read_file(table, file, form) for file in files]
    if len(parts) == 1:
        return parts[0]
    _require_same_columns(table, files, [part.table for part in parts])
    left_out: list[tuple[int, str]] = []
    n_lines = 0
    for part in parts:
        left_out += [(n_lines + number, line) for number, line in part.left_out]
        n_lines += part.table.num_rows + len(part.left_out)
    names = parts[0].table.column_names
    try:
        whole = pa.concat_tables([part.table.select(names) for part in parts], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        whole = None
    if whole is None:
        raise _types_differ(table, files, [part.table for part in parts])
    return FileTable(whole, tuple(left_out), tuple(remark for part in parts for remark in part.remarks))


def read_file(table: str, file: Path, form: CsvForm | None = None) -> FileTable:
    """One file of any form that is known.

    Raises
    ------
    SourceError
        Where it is neither, is empty, or cannot be read.
    """
    name = file.name.lower()
    if name.endswith(PARQUET_ENDS):
        return FileTable(_read_parquet(table, file))
    if name.endswith(CSV_ENDS):
        return _read_csv(table, file, form or CsvForm())
    if name.endswith(WHOLE_ENDS):
        return FileTable(read_whole(table, file))
    raise SourceError(f"{table}: {file.name!r} is neither CSV nor Parquet. Save it as one of them.")


def _is_table(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return not hidden and file.name.lower().endswith(CSV_ENDS + PARQUET_ENDS)


def _read_parquet(table: str, file: Path) -> pa.Table:
    trouble = ""
    try:
        return pq.read_table(file, partitioning=None)
    except (pa.ArrowException, OSError) as cause:
        trouble = type(cause).__name__
    raise SourceError(
        f"{table}: {file.name!r} cannot be read as Parquet ({trouble}): damaged, cut short or no Parquet."
    )


def _read_csv(table: str, file: Path, form: CsvForm) -> FileTable:
    start = csv_start(table, file, form)
    encoding, parted_by = form.encoding, start.delimiter
    if _is_header_alone(file, encoding, start.skip_lines):
        names = next(csv.reader([start.header.strip()], delimiter=parted_by))
        return FileTable(pa.table([pa.array([], pa.string()) for _ in names], names=names))
    ragged: list[Any] = []
    found, trouble = _parse_csv(file, encoding, start, None)
    if trouble and _is_encoded(file, encoding):
        found, trouble = _parse_csv(file, encoding, start, ragged)
    if found is None:
        raise csv_not_read(table, file, encoding, trouble)
    above = 2 + start.skip_lines  # lines are counted from 1, and rows from 0 below the header
    left_out = tuple((int(row.number) - above, str(row.text)) for row in ragged)
    if len(left_out) > found.num_rows:
        raise mostly_ragged(table, len(left_out), found.num_columns, [number for number, _ in left_out[:5]])
    if found.num_rows and quote_is_open(file, found.slice(found.num_rows - 1)):
        raise quote_not_closed(table, file, found.num_rows - 1)
    cut = (
        () if ends_with_a_line(file) else (("no_last_line_end", "kept: the file may have been cut short", 1),)
    )
    return FileTable(found, left_out, cut)


def csv_not_read(table: str, file: Path, encoding: str, trouble: str) -> SourceError:
    """The error of a CSV file that cannot be read: another encoding, or lines that cannot be parted."""
    ails = why_not_opened(file)
    if ails:
        return SourceError(f"{table}: {file.name!r} cannot be read ({ails}).")
    with file.open("rb") as stream:
        marked = stream.read(2) in (b"\xff\xfe", b"\xfe\xff")
    if not _is_encoded(file, encoding):
        likely = "encoding='utf-16'" if marked else "encoding='latin-1' or encoding='cp1252'"
        return SourceError(
            f"{table}: {file.name!r} is not written in {encoding}.\n"
            f"Say how it is: read_histories(..., {likely}); if none fits, it is no CSV file."
        )
    return SourceError(
        f"{table}: {file.name!r} cannot be read as CSV ({trouble}).\n"
        "State what parts the cells: read_histories(..., delimiter=';'); look for a quote that is not closed."
    )


def quote_is_open(file: Path, last_row: pa.Table) -> bool:
    """Whether a quote was opened and never closed: the last cell runs over line ends, and the file ends in no quote.

    An open quote in an earlier column leaves a row with too few cells, which is counted as such.
    """
    cell = str(last_row.column(last_row.num_columns - 1)[0].as_py())
    if "\n" not in cell and "\r" not in cell:
        return False
    tail = b""
    with text_stream(file) as stream:
        while block := stream.read(1 << 22):
            tail = (tail + block)[-64:]
    return not tail.replace(b"\0", b"").rstrip().endswith(b'"')


def quote_not_closed(table: str, file: Path, row: int) -> SourceError:
    """The error of a file whose last row swallows what follows a quote."""
    return SourceError(
        f"{table}: {file.name!r} opens a quote in row {row:,} (counted from 0) that is never closed, so that what follows "
        "became one cell.\nClose the quote, or write it twice where it belongs to the text."
    )


def csv_start(table: str, file: Path, form: CsvForm) -> CsvStart:
    """Where the header of a CSV file stands, and what parts its cells.

    Raises
    ------
    SourceError
        Where the file cannot be opened, or has no header.
    """
    require_as_named(table, file)
    trouble = ""
    lines: list[str] = []
    try:
        with text_stream(file) as stream:
            text = stream.read(65_536).decode(form.encoding, errors="replace").lstrip("\ufeff")
        lines = text.split("\n")
    except (OSError, LookupError) as cause:
        if isinstance(cause, SourceError):
            raise
        trouble = why_not_opened(file) or type(cause).__name__
    if trouble:
        raise SourceError(f"{table}: {file.name!r} cannot be opened ({trouble}).")
    declared = _declared_delimiter(lines[0])
    skip = form.skip_lines or int(declared is not None)
    header = lines[skip] if skip < len(lines) else ""
    if not header.strip():
        below = f" below the {skip} lines that are skipped" if skip else ""
        n_blank = next((place for place, line in enumerate(lines[skip:]) if line.strip()), 0)
        if n_blank:
            raise SourceError(
                f"{table}: {file.name!r} has a blank line where its header should be{below}.\n"
                f"Remove it, or say so: read_histories(..., skip_lines={skip + n_blank})."
            )
        raise SourceError(f"{table}: {file.name!r} is empty: not even a header{below}.")
    return CsvStart(skip, header, form.delimiter or declared or max(DELIMITERS, key=header.count))


def _declared_delimiter(line: str) -> str | None:
    """What a first line such as ``sep=;``, as spreadsheets write it, says of the cells."""
    stated = line.strip("\r\n")
    return stated[4] if len(stated) == 5 and stated.lower().startswith("sep=") else None


def _parse_csv(
    file: Path, encoding: str, start: CsvStart, ragged: list[Any] | None
) -> tuple[pa.Table | None, str]:
    """All cells as text, or the kind of trouble.

    With a list for ragged lines, these are left out and listed with their numbers, and line ends inside
    quotes are text; that takes one thread. Without, the first such line is trouble.
    """

    def leave_out(row: Any) -> str:
        ragged.append(row)  # type: ignore[union-attr]
        return "skip"

    careful = ragged is not None
    read = pacsv.ReadOptions(
        encoding=encoding,
        use_threads=not careful,
        block_size=1 << (24 if careful else 22),
        skip_rows=start.skip_lines,
    )
    parse = pacsv.ParseOptions(
        delimiter=start.delimiter,
        newlines_in_values=careful,
        invalid_row_handler=leave_out if careful else None,
    )
    try:
        with pacsv.open_csv(csv_input(file), read_options=read, parse_options=parse) as reader:
            names = reader.schema.names
        if ragged:
            ragged.clear()
        convert = pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
        )
        return pacsv.read_csv(
            csv_input(file), read_options=read, parse_options=parse, convert_options=convert
        ), ""
    except (pa.ArrowException, OSError, LookupError, ValueError) as cause:
        return None, type(cause).__name__


def _is_encoded(file: Path, encoding: str) -> bool:
    """Whether the bytes of a file are texts in an encoding."""
    decoder = getincrementaldecoder(encoding)()
    try:
        with text_stream(file) as stream:
            while block := stream.read(1 << 22):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, OSError):
        return False
    return True


def _is_header_alone(file: Path, encoding: str, skip_lines: int) -> bool:
    """Whether there is no line behind the header, so that its end may be missing, too."""
    with text_stream(file) as stream:
        text = stream.read(65_536).decode(encoding, errors="replace").strip()
    text = text.split("\n", skip_lines)[-1]
    return "\n" not in text and "\r" not in text and len(text) < 60_000


def mostly_ragged(table: str, n_lines: int, n_cells: int, first_rows: Sequence[int]) -> SchemaError:
    """The error where most lines have too many or too few cells: something else parts them."""
    return SchemaError(
        f"{table}: {n_lines:,} lines do not have the {n_cells} cells of their header "
        f"(first row numbers: {', '.join(map(str, first_rows))}).\n"
        "State what parts the cells: read_histories(..., delimiter=';'). Where each line ends in one more delimiter "
        "than the header, take it off, or add it to the header."
    )


def ends_with_a_line(file: Path) -> bool:
    """Whether a CSV file's last line has its end; where not, the file may have been cut short."""
    if file.name.lower().endswith((".gz", ".bz2", ".zst", ZIP)):
        return True
    with file.open("rb") as stream:
        stream.seek(0, 2)
        size = stream.tell()
        stream.seek(max(0, size - 4))
        return stream.read(4).rstrip(b"\0").endswith((b"\n", b"\r"))  # UTF-16 and 32 end in zeros


def _require_same_columns(table: str, files: Sequence[Path], tables: Iterable[pa.Table]) -> None:
    first: list[str] | None = None
    for file, found in zip(files, tables, strict=True):
        names = list(found.column_names)
        if first is None:
            first = names
        elif set(names) != set(first):
            gone = sorted(set(first) - set(names))
            more = sorted(set(names) - set(first))
            raise SchemaError(
                f"{table}: {len(files)} files do not have the same columns: compared with {files[0].name!r}, "
                f"{file.name!r} lacks {gone or 'none'} and has {more or 'none'} besides.\n"
                "Give files of one form, or make tables of them first."
            )


def _types_differ(table: str, files: Sequence[Path], tables: Sequence[pa.Table]) -> SchemaError:
    kinds = {
        name: {str(found.schema.field(name).type) for found in tables} for name in tables[0].column_names
    }
    differing = [f"{name!r} ({', '.join(sorted(types))})" for name, types in kinds.items() if len(types) > 1]
    return SchemaError(
        f"{table}: {len(files)} files keep different things in {', '.join(differing)}.\n"
        "Write the column the same way in every file."
    )
