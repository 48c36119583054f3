"""Every error that clientcare raises on purpose, as one tree.

::

    ClientcareError
    ├── InputError (ValueError)          the caller's tables, files or arguments
    │   ├── SchemaError                  a table lacks a column, or a column has the wrong type
    │   ├── BadRowsError                 rows that cannot be used, with on_bad_rows="raise"
    │   ├── OptionError                  an argument is not one of the values that make sense
    │   └── NotObservedError             a label or a window is asked of days that were not observed
    ├── NotEnoughDataError (ValueError)  too few buyers or events for what was asked
    ├── SourceError (OSError)            a file, folder or database that cannot be read or written
    │   └── OutputLockedError            another job is writing to the same place
    ├── ModelFileError                   a model file is damaged, hostile, or of another version
    └── MissingExtraError (ImportError)  an optional dependency is needed and not installed

Warnings that stand apart, each a UserWarning: BeyondDataWarning.

Each message says what, where, what was found and how to mend it. Messages carry column names, counts and row numbers,
never the value of a cell: tables hold personal data, and messages end in logs.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

_NONE: Mapping[str, str] = MappingProxyType({})


class ClientcareError(Exception):
    """Root of all errors raised on purpose."""


class InputError(ClientcareError, ValueError):
    """The tables, files or arguments given cannot be used as they are."""


class SchemaError(InputError):
    """A table lacks a column, or a column is of a type that cannot be read."""

    @classmethod
    def missing_column(
        cls, table: str, column: str | Sequence[str], found: Iterable[str], likely: Mapping[str, str] = _NONE
    ) -> SchemaError:
        """No column of that name, or of those; tells what there is and how to map it.

        Parameters
        ----------
        table : str
        column : str or sequence of str
            What is missing, all of it.
        found : iterable of str
            The columns there are.
        likely : mapping of missing to found, optional
            Which column may be meant.
        """
        missing = (column,) if isinstance(column, str) else tuple(column)
        theirs = {
            name: likely.get(name, "theirs" if len(missing) == 1 else f"their {name}") for name in missing
        }
        absent = ", ".join(f"no column {name!r}" for name in missing)
        pairs = ", ".join(f"{theirs[name]!r}: {name!r}" for name in missing)
        options = " ".join(
            f"--column {table}.{name}={shlex.quote(likely[name]) if name in likely else 'THEIRS'}"
            for name in missing
        )
        it, perhaps = ("it" if len(missing) == 1 else "them"), ("perhaps " if likely else "")
        return cls(
            f"{table}: {absent} (found {', '.join(repr(str(name)) for name in found) or 'no columns at all'}).\n"
            f"Rename {it}, or map {it} at the door: {perhaps}Histories(..., columns={{{table!r}: {{{pairs}}}}}), "
            f"in a shell {options}."
        )


class BadRowsError(InputError):
    """Rows that cannot be used, and the caller asked for an error rather than a quarantine."""

    @classmethod
    def counted(
        cls, table: str, column: str, rule: str, n_rows: int, first_rows: Iterable[int]
    ) -> BadRowsError:
        """Name the column, the rule, the count and the first row numbers; never a cell value."""
        return cls.all_of(table, [(column, rule, n_rows, tuple(first_rows))])

    @classmethod
    def all_of(cls, table: str, broken: Iterable[tuple[str, str, int, tuple[int, ...]]]) -> BadRowsError:
        """Every rule that rows of a table break, at once: column, rule, number of rows and the first of them."""
        lines = [
            f"{table}, column {column!r}: {n_rows:,} rows break the rule '{rule}' "
            f"(first row numbers: {', '.join(map(str, first_rows))})."
            for column, rule, n_rows, first_rows in broken
        ]
        mend = "Mend them, or set them aside and count them: Histories(..., on_bad_rows='quarantine')."
        return cls("\n".join([*lines, mend]))


class OptionError(InputError):
    """An argument has a value that makes no sense here."""


class NotObservedError(InputError):
    """A label or a window is asked of days outside the observed stretch."""


class NotEnoughDataError(ClientcareError, ValueError):
    """Too few buyers or events to answer; a number would be invented."""


class SourceError(ClientcareError, OSError):
    """A file, folder or database that cannot be read or written."""


class OutputLockedError(SourceError):
    """Another job is writing to the same output."""


class ModelFileError(ClientcareError):
    """A model file that is damaged, hostile, or written by a version that is not understood."""


class BeyondDataWarning(UserWarning):
    """A date asked about lies so far after the data that silence means nothing."""


class MissingExtraError(ClientcareError, ImportError):
    """An optional dependency is needed and not installed."""

    @classmethod
    def of(cls, package: str, extra: str, purpose: str) -> MissingExtraError:
        """Name the package, what it is needed for, and the command that installs it."""
        return cls(f"{purpose} needs {package}, which is not installed: pip install 'clientcare[{extra}]'.")
