"""What was found wrong in a table, by named rule, and what was done about it.

A row that cannot be used is set aside once, under the first rule it breaks; every rule counts all the rows
it finds. So the rows kept and the rows set aside are together the rows that came in. Row numbers are
positions in the table given, counted from 0; no cell is ever quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import BadRowsError

SET_ASIDE = "set aside"
N_FIRST_ROWS = 5
COLUMNS = ["table", "rule", "n_rows", "action", "first_rows"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """One rule, the rows it found, and what was done."""

    table: str
    rule: str
    n_rows: int
    action: str
    first_rows: tuple[int, ...]


class RowLog:
    """The findings in one table, and the rule under which each row was set aside.

    Parameters
    ----------
    table : str
        The name of the table.
    n_rows : int
        Its number of rows.
    strict : bool
        Refuse the table where rows are set aside (``refuse_where_strict``).
    row_numbers : int64 array of shape (n_rows,), optional
        The numbers of the rows, where they are not 0, 1, 2 ... (lines of the file were left out).
    """

    def __init__(
        self, table: str, n_rows: int, strict: bool, row_numbers: NDArray[np.int64] | None = None
    ) -> None:
        self.table = table
        self.strict = strict
        self.row_numbers = row_numbers
        self.findings: list[Finding] = []
        self.rules: list[str] = []
        self.broken: list[tuple[str, str, int, tuple[int, ...]]] = []
        self.rule_of_row = np.full(n_rows, -1, dtype=np.int8)

    @property
    def kept(self) -> Mask:
        """Which rows have not been set aside."""
        return self.rule_of_row < 0

    def set_aside(self, rule: str, column: str, broken: Mask) -> None:
        """Set rows aside under a rule, those set aside before excepted; count them all."""
        n_rows = int(np.count_nonzero(broken))
        if not n_rows:
            return
        self.broken.append((column, rule, n_rows, self.first_rows(broken)))
        self.findings.append(Finding(self.table, rule, n_rows, SET_ASIDE, self.first_rows(broken)))
        self.rule_of_row[broken & self.kept] = len(self.rules)
        self.rules.append(rule)

    def leave_out(self, rule: str, action: str, found: Mask) -> None:
        """Leave rows out that are right but say nothing of what was; no reason to refuse a table."""
        self.note(rule, action, found & self.kept)
        self.rule_of_row[found & self.kept] = len(self.rules)
        self.rules.append(rule)

    def refuse_where_strict(self) -> None:
        """Refuse the table for all the rules its rows break, told at once.

        Raises
        ------
        BadRowsError
            With ``strict``, where a row was set aside.
        """
        if self.strict and self.broken:
            raise BadRowsError.all_of(self.table, self.broken)

    def note(self, rule: str, action: str, found: Mask) -> None:
        """Count rows that are kept, and say as what."""
        n_rows = int(np.count_nonzero(found))
        if n_rows:
            self.findings.append(Finding(self.table, rule, n_rows, action, self.first_rows(found)))

    def remark(self, rule: str, action: str, n_rows: int, first_rows: Sequence[int] = ()) -> None:
        """State a finding that is counted elsewhere."""
        self.findings.append(Finding(self.table, rule, n_rows, action, tuple(first_rows)))

    def first_rows(self, found: Mask) -> tuple[int, ...]:
        """The numbers of the first rows found, five at most."""
        rows = first_true(found)
        return tuple(int(row) for row in (rows if self.row_numbers is None else self.row_numbers[rows]))


def first_true(found: Mask) -> NDArray[np.int64]:
    """Positions of the first rows found, five at most."""
    return np.flatnonzero(found)[:N_FIRST_ROWS]


def quality_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """The findings as a table: table, rule, n_rows, action, first_rows."""
    return pd.DataFrame(
        {
            "table": pd.Series([one.table for one in findings], dtype=object),
            "rule": pd.Series([one.rule for one in findings], dtype=object),
            "n_rows": pd.Series([one.n_rows for one in findings], dtype=np.int64),
            "action": pd.Series([one.action for one in findings], dtype=object),
            "first_rows": pd.Series([list(one.first_rows) for one in findings], dtype=object),
        },
        columns=COLUMNS,
    )
