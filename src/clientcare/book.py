"""The book: one row a buyer, what the model says of the relationship."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clientcare.arguments import require_one_of
from clientcare.exceptions import InputError, MissingExtraError, SchemaError
from clientcare.facts.runs import Floats
from clientcare.outcomes.stage import staged, with_tense

COLUMNS = (
    "relationship",
    "client_probability",
    "status",
    "status_since",
    "stage",
    "dependence",
    "depends_on",
    "evidence",
    "churn_risk",
    "churn_risk_low",
    "churn_risk_high",
    "expected_purchases",
    "next_purchase_due",
    "expected_spend",
    "spend_if_stays",
    "at_stake",
    "overdue_ratio",
    "reason_1",
    "reason_2",
    "reason_3",
    "as_of",
    "horizon_days",
    "model_id",
    "next_purchase_low",
    "next_purchase_high",
)
TEXTS = (
    "relationship",
    "status",
    "stage",
    "depends_on",
    "evidence",
    "reason_1",
    "reason_2",
    "reason_3",
    "model_id",
)
MOMENTS = ("as_of", "status_since", "next_purchase_due", "next_purchase_low", "next_purchase_high")
RELATIONSHIPS = ("client", "customer")
BY_DEPENDENCE = "; dependence in place of a tie"
"""What ``evidence`` says where no tie can be seen and signs of dependence stand in for it."""
OWN_LIST = "; your list"
"""What ``evidence`` ends with where the class comes from the user's own list."""


def make_book(columns: Mapping[str, Any], buyers: pd.Index) -> pd.DataFrame:
    """The book's columns in their order; numbers and texts are made elsewhere.

    Parameters
    ----------
    columns : mapping of name to array of shape (n_buyers,) or a single value
    buyers : Index named ``buyer_id``

    Returns
    -------
    DataFrame of shape (n_buyers, 25)
    """
    book = pd.DataFrame(index=buyers.rename("buyer_id"))
    for name in COLUMNS:
        book[name] = columns[name]
    return book


def relationship_of(stage: pd.Categorical[str], client_probability: Floats) -> pd.Categorical[str]:
    """Client exactly where the stage says so; of new buyers where it is at least as likely as not."""
    told = np.asarray(stage, dtype=object)
    client = (told == "dependent client") | ((told == "new buyer") & (client_probability >= 0.5))
    return pd.Categorical.from_codes(np.where(client, 0, 1), categories=pd.Index(RELATIONSHIPS))


def stage_from(
    client: Floats,
    patronage: Floats,
    care_tie: Floats,
    status: pd.DataFrame,
    had_tie: NDArray[np.bool_],
    churn: Floats | None = None,
) -> pd.Categorical[str]:
    """The likeliest stage that contradicts neither the two-way class nor a count.

    Parameters
    ----------
    client, patronage, care_tie : float64 arrays of shape (n_buyers,)
        Probabilities; ``care_tie`` is NaN where no tie can be seen.
    status : DataFrame
        What :meth:`clientcare.outcomes.StatusRule.told` says of the same buyers.
    had_tie : bool array of shape (n_buyers,)
        Whether they were clients in the last client horizon of the relation.
    churn : float64 array of shape (n_buyers,), optional
        The churn risk. Nobody under contract who is more likely to stay than to leave is called fading, even where the
        contract may not last through the longer horizon of the class.
    """
    n_purchases, bound = status["n_purchases"].to_numpy(), status["had_contract"].to_numpy()
    goes_on = patronage >= 0.5
    if churn is not None:
        goes_on = goes_on | (status["under_contract"].to_numpy(dtype=bool) & (churn < 0.5))
    table = staged(client >= 0.5, goes_on, care_tie >= 0.5, n_purchases, bound)
    told = np.asarray(status["status"], dtype=object)
    return with_tense(table, told, status["is_new"].to_numpy(), had_tie, n_purchases, bound)


def labels_of(labels: pd.Series[Any] | None, buyers: pd.Index) -> Floats:
    """What the user's own list says of each buyer: 1 client, 0 customer, NaN where it does not speak of them.

    Examples
    --------
    >>> labels_of(pd.Series({"a": True, "c": False}), pd.Index(["a", "b", "c"]))
    array([ 1., nan,  0.])
    """
    if labels is None:
        return np.full(len(buyers), np.nan)
    return labels.astype("Float64").reindex(buyers).to_numpy(dtype=np.float64, na_value=np.nan)


def with_own_list(evidence: NDArray[np.object_], listed: Floats) -> NDArray[np.object_]:
    """The evidence, with a word where the user's own list decided."""
    return np.asarray(np.where(np.isnan(listed), evidence, evidence + OWN_LIST), dtype=object)


def in_order(book: pd.DataFrame) -> pd.DataFrame:
    """The book in its default order: the living by what is at stake, then those who are gone.

    By churn risk where no amounts are known. A book of an older version, without a status, counts as living.

    Examples
    --------
    >>> book = pd.DataFrame({"status": ["gone", "active", "quiet"], "churn_risk": [1.0, 0.2, 0.1],
    ...                      "at_stake": [90.0, 2.0, 5.0]}, index=["a", "b", "c"])
    >>> in_order(book).index.tolist()
    ['c', 'b', 'a']
    """
    gone = book["status"].astype(str).eq("gone") if "status" in book else pd.Series(False, index=book.index)
    known = "at_stake" in book and bool(book["at_stake"].notna().any())
    worth = book["at_stake"].fillna(0.0) if known else book["churn_risk"]
    keys = pd.DataFrame({"gone": gone, "worth": -worth, "risk": -book["churn_risk"]})
    order = keys.reset_index(drop=True).sort_values(["gone", "worth", "risk"], kind="stable").index
    return book.iloc[order]


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


FORMS = ("pandas", "polars", "arrow")
"""The forms in which a pipeline goes on with a book."""


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
