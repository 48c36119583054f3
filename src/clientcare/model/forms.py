"""The book in the form in which a pipeline goes on: pandas, polars or arrow."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from clientcare.arguments import require_one_of
from clientcare.book import TEXTS
from clientcare.exceptions import MissingExtraError

FORMS = ("pandas", "polars", "arrow")


def require_form(output: str) -> None:
    """Refuse a form that there is not.

    Raises
    ------
    OptionError
    """
    require_one_of("output", output, FORMS)


def book_as(book: pd.DataFrame, output: str) -> Any:
    """A book as it is, or as a polars frame or an arrow table with ``buyer_id`` as its first column.

    Raises
    ------
    MissingExtraError
        Where polars is asked for and not installed.

    Examples
    --------
    >>> book = pd.DataFrame({"churn_risk": [0.5]}, index=pd.Index(["ann"], name="buyer_id"))
    >>> book_as(book, "arrow").column_names
    ['buyer_id', 'churn_risk']
    """
    if output == "pandas":
        return book
    rows = book.reset_index()
    columns = {
        str(name): pa.array(rows[name], type=pa.string() if name in TEXTS else None, from_pandas=True)
        for name in rows.columns
    }
    if output == "arrow":
        return pa.table(columns)
    try:
        import polars as pl
    except ImportError as cause:
        raise MissingExtraError.of("polars", "polars", "A book as a polars frame") from cause
    return pl.from_arrow(pa.table(columns))
