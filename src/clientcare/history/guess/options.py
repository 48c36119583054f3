"""All options with which the door reads given files, each with its evidence, and what only the owner can say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any

import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.history.door.schema import SCHEMAS, schema_of
from clientcare.history.guess.contents import DateWriting, currency_of, date_writing, decimal_sign
from clientcare.history.guess.layout import layout_of
from clientcare.history.guess.mapping import TableGuess, guess_table
from clientcare.history.guess.meeting import meet
from clientcare.history.guess.owner import questions_about, scale_of
from clientcare.history.histories import Histories
from clientcare.history.sources.files import files_of, read_histories

Files = str | PathLike[str]
BY_TABLE = ("encoding", "delimiter", "skip_lines", "date_format")
"""Options that may differ from file to file."""


@dataclass(frozen=True, eq=False)
class GuessedOptions:
    """How files of others are read, proposed with the evidence for each part.

    Attributes
    ----------
    sources : dict of table to list of str
        Which files hold which table.
    columns : dict of table to dict of str to str
        Their names to ours, as ``read_histories(columns=...)`` takes them.
    options : dict of str to object
        Further options of :func:`clientcare.read_histories`.
    evidence : DataFrame
        ``table``, ``what``, ``found``, ``because``: one row for each part of the proposal.
    questions : tuple of str
        What the files alone cannot tell, each with how to say it; empty where all is clear.
    """

    sources: dict[str, list[str]]
    columns: dict[str, dict[str, str]]
    options: dict[str, Any]
    evidence: pd.DataFrame
    questions: tuple[str, ...] = field(default=())

    def read(self) -> Histories:
        """The histories, read as proposed.

        Raises
        ------
        InputError
            Where the proposal does not do; the message says what to mend.
        """
        return read_histories(**self.sources, columns=self.columns or None, **self.options)  # type: ignore[arg-type]

    def to_toml(self) -> str:
        """A commented ``clientcare.toml``; every verb of the command line reads it by itself."""
        lines = ["# How your files are read. Every line can be changed; a flag on the command line wins.", ""]
        lines += [f"# asks: {question}" for question in self.questions]
        for table, files in self.sources.items():
            lines.append(f"{table} = {json.dumps(files if len(files) > 1 else files[0], ensure_ascii=False)}")
        for name, value in self.options.items():
            lines.append(f"{name} = {_toml(value)}{self._comment(name)}")
        for table, names in self.columns.items():
            lines += ["", f"[columns.{table}]  # ours = yours"]
            lines += [f"{ours} = {json.dumps(theirs, ensure_ascii=False)}" for theirs, ours in names.items()]
        return "\n".join(lines) + "\n"

    def to_python(self) -> str:
        """The same as a call in Python."""
        given = {**{name: files if len(files) > 1 else files[0] for name, files in self.sources.items()}}
        parts = [f"{name}={value!r}" for name, value in {**given, **self.options}.items()]
        parts += [f"columns={self.columns!r}"] if self.columns else []
        return (
            "import clientcare as cc\n\nhistories = cc.read_histories(\n    "
            + ",\n    ".join(parts)
            + ",\n)\n"
        )

    def _comment(self, option: str) -> str:
        because = self.evidence.loc[self.evidence["what"] == option, "because"]
        return f"  # {'; '.join(dict.fromkeys(because))}" if len(because) else ""

    def __repr__(self) -> str:
        asked = "".join(f"\n? {question}" for question in self.questions)
        return f"{self.evidence.to_string(index=False, max_colwidth=60)}{asked}"


def guess_options(files: Files | Iterable[Files] | Mapping[str, Files]) -> GuessedOptions:
    r"""Look at files of others all at once, and propose how to read them.

    Parameters
    ----------
    files : path, list of paths, or mapping of table to path
        Files, folders or patterns. With a mapping (``{"contracts": "subs.csv"}``) the table is not guessed.

    Returns
    -------
    GuessedOptions
        ``.read()`` reads them so; ``.to_toml()`` and ``.to_python()`` write the proposal down; ``.questions`` holds
        what only the owner of the files can say.

    Raises
    ------
    SourceError
        Where a file is not there or is no table.
    OptionError
        Where no file is named.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "export.csv").write_text(
    ...     "Kundennummer;Rechnungsdatum;Betrag\n17;31.01.2024;9,50\n18;13.02.2024;1.250,00\n")
    >>> guessed = guess_options(folder / "export.csv")
    >>> guessed.columns["transactions"]["Rechnungsdatum"], guessed.options["decimal"]
    ('timestamp', ',')
    >>> guessed.options["date_format"]
    {'transactions': '%d.%m.%Y'}
    >>> guessed.questions
    ()
    """
    found = meet(_guesses(files))
    questions: list[str] = []
    evidence: list[tuple[str, str, str, str]] = []
    sources: dict[str, list[str]] = {}
    columns: dict[str, dict[str, str]] = {}
    scales: list[tuple[tuple[float, float], str]] = []
    by_table: dict[str, dict[str, Any]] = {name: {} for name in BY_TABLE}
    whole: dict[str, set[str]] = {"decimal": set(), "currency": set()}
    for guess in found:
        name, table = guess.layout.file.name, guess.table
        if table in sources and columns.get(table, {}) != _mapping(guess):
            questions.append(
                f"{name!r} also looks like {table}, with other columns: give one of them, or make one file of both."
            )
            continue
        sources.setdefault(table, []).append(fspath(guess.layout.file))
        evidence.append(
            (table, "file", name, f"{len(guess.theirs)} columns are known, {len(guess.lacking)} lack")
        )
        columns[table] = _mapping(guess)
        evidence += [
            (table, ours, theirs, "by its name and its cells") for ours, theirs in guess.theirs.items()
        ]
        questions += [_lacks(guess, ours) for ours in guess.lacking]
        for option, value, because in _layout_options(guess):
            by_table[option][table] = value
            evidence.append((table, option, str(value), because))
        for option, sign, because in _cell_options(guess):
            whole[option].add(sign)
            evidence.append((table, option, sign, because))
        _tell_dates(guess, by_table, evidence, questions)
        questions += questions_about(guess)
        scale = scale_of(guess)
        if scale is not None:
            scales.append(scale)
            evidence.append((table, "satisfaction_scale", f"{scale[0][0]:g} to {scale[0][1]:g}", scale[1]))
        if guess.layout.total_row:
            evidence.append((table, "total row", name, "the last row adds up the others; it is no purchase"))
    options: dict[str, Any] = {option: values for option, values in by_table.items() if values}
    options |= _agreed(whole, questions)
    if scales:
        options["satisfaction_scale"] = min(low for (low, _), _ in scales), max(top for (_, top), _ in scales)
        questions.append(
            "Which are the lowest and the highest answer of satisfaction? "
            f"satisfaction_scale = {list(options['satisfaction_scale'])} is taken until you say."
        )
    if _zone_is_needed(found):
        options["timezone"] = "UTC"
        questions.append(
            'Dates carry a zone: on whose calendar do days count? timezone = "UTC" is taken until you say.'
        )
    told = pd.DataFrame(evidence, columns=["table", "what", "found", "because"])
    return GuessedOptions(sources, {t: m for t, m in columns.items() if m}, options, told, tuple(questions))


def _guesses(files: Files | Iterable[Files] | Mapping[str, Files]) -> list[TableGuess]:
    if isinstance(files, Mapping):
        for table in files:
            schema_of(table)
        return [
            guess_table(layout_of(file), table)
            for table, one in files.items()
            for file in files_of("init", one)
        ]
    named = [files] if isinstance(files, (str, PathLike)) else list(files)
    if not named:
        raise OptionError("guess_options: no file named. Give a path or a list of paths.")
    return [guess_table(layout_of(file)) for one in named for file in files_of("init", one)]


def _mapping(guess: TableGuess) -> dict[str, str]:
    """Every column of theirs once: what two of our names take, the first of them has."""
    return {theirs: ours for ours, theirs in reversed(guess.theirs.items())}


def _lacks(guess: TableGuess, ours: str) -> str:
    free = [str(name) for name in guess.layout.rows.columns if str(name) not in guess.theirs.values()]
    return (
        f"{guess.layout.file.name!r} as {guess.table}: which column is {ours!r}? "
        f"(not yet used: {', '.join(map(repr, free)) or 'none'})"
    )


def _layout_options(guess: TableGuess) -> list[tuple[str, Any, str]]:
    layout = guess.layout
    found: list[tuple[str, Any, str]] = []
    if layout.encoding not in ("", "utf-8"):
        found.append(("encoding", layout.encoding, "the bytes are not UTF-8"))
    if layout.delimiter not in ("", ","):
        found.append(("delimiter", layout.delimiter, "it parts most lines into the same number of cells"))
    if layout.skip_lines:
        found.append(("skip_lines", layout.skip_lines, "lines above the header"))
    return found


def _cell_options(guess: TableGuess) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for ours in ("amount", "unit_price"):
        if ours not in guess.theirs:
            continue
        cells = guess.layout.rows[guess.theirs[ours]]
        sign, currency = decimal_sign(cells), currency_of(cells)
        if sign is not None:
            found.append(("decimal", sign, f"as {guess.theirs[ours]!r} writes numbers"))
        if currency is not None:
            found.append(("currency", currency, f"written in the cells of {guess.theirs[ours]!r}"))
    return found


def _tell_dates(
    guess: TableGuess,
    by_table: dict[str, dict[str, Any]],
    evidence: list[tuple[str, str, str, str]],
    questions: list[str],
) -> None:
    """The form in which a table writes its dates; a question where two forms fit, or columns differ."""
    forms: dict[str, DateWriting] = {}
    schema = SCHEMAS[guess.table]
    for ours in (schema.time, *schema.moments):
        if ours in guess.theirs:
            writing = date_writing(guess.layout.rows[guess.theirs[ours]], numbers=True)
            if writing is not None:
                forms[ours] = writing
    written = {writing.form for writing in forms.values() if writing.form is not None}
    for writing in forms.values():
        if writing.rival is not None:
            questions.append(
                f"{guess.layout.file.name!r}: dates fit {writing.form!r} and {writing.rival!r} alike; "
                f'{writing.form!r} is taken until you say date_format = {{ {guess.table} = "..." }}.'
            )
            break
    if len(written) > 1:
        questions.append(
            f"{guess.layout.file.name!r}: its columns write dates in {len(written)} ways; write them in one."
        )
    if written:
        form = sorted(written)[0]
        by_table["date_format"][guess.table] = form
        evidence.append((guess.table, "date_format", form, "all its cells are dates so"))


def _agreed(whole: dict[str, set[str]], questions: list[str]) -> dict[str, Any]:
    agreed: dict[str, Any] = {}
    if len(whole["decimal"]) == 1:
        agreed["decimal"] = whole["decimal"].pop()
    elif whole["decimal"]:
        questions.append(
            "Amounts are written with a comma in one file and with a point in another; write them alike."
        )
    return agreed


def _zone_is_needed(found: list[TableGuess]) -> bool:
    times = [(guess, SCHEMAS[guess.table].time) for guess in found]
    for guess, ours in times:
        if ours in guess.theirs:
            writing = date_writing(guess.layout.rows[guess.theirs[ours]], numbers=True)
            if writing is not None and writing.with_zone:
                return True
    return False


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
