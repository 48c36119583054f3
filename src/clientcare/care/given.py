"""What care asks of the book and the histories it is given, before anything is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.care.contacts import Floats
from clientcare.exceptions import InputError, SchemaError


def churn_risk_of(book: Any, asker: str) -> Floats:
    """The churn risk of each row of a book; shape (n_rows,), NaN where unknown.

    Raises
    ------
    InputError
        Where the book is no table with one row a buyer, indexed by ``buyer_id``.
    SchemaError
        Where its ``churn_risk`` is missing, or is no probability.

    Examples
    --------
    >>> churn_risk_of(pd.DataFrame({"churn_risk": [0.2, None]}, index=["a", "b"]), "care_plan")
    array([0.2, nan])
    """
    if not isinstance(book, pd.DataFrame):
        raise InputError(
            f"{asker}: the book is a table (DataFrame) as RelationshipModel.score gives it, found {type(book).__name__}."
        )
    if "churn_risk" not in book:
        found = ", ".join(repr(str(name)) for name in book.columns) or "no columns at all"
        raise SchemaError(
            f"{asker}: the book has no column 'churn_risk' (found {found}).\n"
            "Give what RelationshipModel.score gives, or rename the column that holds the risk."
        )
    if "buyer_id" in book and book.index.name != "buyer_id":
        raise InputError(
            f"{asker}: the book holds 'buyer_id' as a column, not as its index.\n"
            "Set it: book.set_index('buyer_id')."
        )
    n_doubled = int(book.index.duplicated().sum())
    if n_doubled:
        raise InputError(
            f"{asker}: {n_doubled:,} of the book's {len(book):,} rows name a buyer that an earlier row names.\n"
            "Keep one row a buyer: book[~book.index.duplicated()]."
        )
    risk = pd.to_numeric(book["churn_risk"], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    n_bad = int((np.isnan(risk) & book["churn_risk"].notna().to_numpy() | (risk < 0) | (risk > 1)).sum())
    if n_bad:
        raise SchemaError(
            f"{asker}: {n_bad:,} of {len(book):,} values in the book's 'churn_risk' are no probability.\n"
            "Give numbers from 0 to 1; leave unknown ones empty."
        )
    return np.asarray(risk)


def numbers_by_buyer(values: Any, buyers: pd.Index[Any], asker: str, name: str) -> Floats:
    """A Series of numbers, brought into the order of some buyers; NaN for those it says nothing of.

    Raises
    ------
    InputError
        Where it is no Series of numbers with one row a buyer, or names none of the buyers.

    Examples
    --------
    >>> numbers_by_buyer(pd.Series({"b": 2, "a": 1}), pd.Index(["a", "b", "c"]), "care_plan", "effects")
    array([ 1.,  2., nan])
    """
    if not isinstance(values, pd.Series):
        raise InputError(
            f"{asker}: {name} must be a Series indexed by buyer_id, found {type(values).__name__}."
        )
    n_doubled = int(values.index.duplicated().sum())
    if n_doubled:
        raise InputError(
            f"{asker}: {n_doubled:,} of {len(values):,} rows of {name} name a buyer that an earlier row names.\n"
            "Keep one row a buyer."
        )
    known = pd.to_numeric(values, errors="coerce")
    n_bad = int((known.isna() & values.notna()).sum())
    if n_bad:
        raise InputError(f"{asker}: {n_bad:,} of {len(values):,} values of {name} are no numbers.")
    if len(values) and len(buyers) and not values.index.isin(buyers).any():
        raise InputError(
            f"{asker}: {name} names none of the {len(buyers):,} buyers.\n"
            "Index it by buyer_id, with ids of the same type as the book's."
        )
    return known.reindex(buyers).to_numpy(dtype=np.float64, na_value=np.nan)
