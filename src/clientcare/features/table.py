"""The feature table: one row a buyer known at a date, one column a feature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import OptionError
from clientcare.features.catalogue import Feature, catalogue_entries, parse_families, parse_windows
from clientcare.features.norms import PeerNorms
from clientcare.features.peers import measure_norms
from clientcare.features.shared_runs import SharedRuns
from clientcare.features.snapshot import Snapshot, snapshots_of
from clientcare.features.static import static_columns
from clientcare.history.door.schema import SCHEMAS
from clientcare.history.histories import Histories, require_histories
from clientcare.progress import ProgressBar
from clientcare.window import Days, Moment, parse_days, parse_moments


def feature_table(
    histories: Histories,
    as_of: Moment | Iterable[Moment],
    families: str | Iterable[str] | None = None,
    windows: Iterable[int] | None = None,
    *,
    horizon: Days | None = None,
    norms: PeerNorms | None = None,
) -> pd.DataFrame:
    """What was known of each buyer, as numbers; nothing at or after ``as_of`` can change them.

    Parameters
    ----------
    histories : Histories
        The dated facts of all buyers.
    as_of : date or list of dates
        Exclusive. Many dates share one sort and cost little more than one.
    families : str or list of str, optional
        Some of timing, rhythm, spend, windows, season, breadth, contact, contract, dependence, peers, own_gaps, static,
        custom; default all.
    windows : list of int, optional
        Days of the windows; default 7, 14, 30, 60, 90, 180, 365.
    horizon : str, int or Timedelta, optional
        What the family ``own_gaps`` measures the past against (``"90D"``); without it the family is left out.
    norms : PeerNorms, optional
        What is usual among buyers, for the family ``peers``; default as among the buyers of each snapshot.
        Given norms (:func:`peer_norms`) make every buyer's features independent of the others.

    Returns
    -------
    DataFrame of shape (n_buyers known, n_features)
        Indexed by ``buyer_id`` for one date, by ``(as_of, buyer_id)`` for a list, both ascending. Columns are
        float64, counts too; NaN = unknown (:func:`feature_catalogue` says what that means in each). Texts
        among the static attributes are categories. Features whose table or column was not given are not
        there; apart from that the columns depend on ``families`` and ``windows`` alone, never on what the
        tables hold.

    Raises
    ------
    OptionError
        For a family that is not known, or windows that are no whole days.

    Examples
    --------
    >>> import pandas as pd
    >>> from clientcare.history import Histories
    >>> orders = pd.DataFrame({
    ...     "buyer_id": ["ann", "ann", "ben"],
    ...     "timestamp": pd.to_datetime(["2024-01-01", "2024-01-22", "2024-01-05"]),
    ...     "amount": [10.0, 30.0, 5.0],
    ... })
    >>> table = feature_table(Histories(orders), as_of="2024-02-01")
    >>> columns = ["n_purchases", "days_since_last_purchase", "gap_days_median", "total_spent"]
    >>> table.loc["ann", columns].to_list()
    [2.0, 10.0, 21.0, 40.0]
    >>> table.loc["ben", columns].to_list()
    [1.0, 27.0, nan, 5.0]
    """
    require_histories(histories, "feature_table")
    moments, several = parse_moments(as_of, histories.timezone)
    chosen, days = parse_families(families), parse_windows(windows)
    horizon_days = None if horizon is None else parse_days(horizon, "horizon")
    entries = available_features(histories, chosen, days, horizon_days)
    table = measure(histories, moments, entries, days, norms, "static" in chosen).frame()
    return table if several else table.droplevel("as_of")


@dataclass(frozen=True, eq=False)
class Measured:
    """The features of several dates, one under the other, before they are a table.

    Attributes
    ----------
    names : list of str
    numbers : float64 array of shape (n_names, n_rows)
    static : DataFrame of n_rows, or None
        The attributes, where there are any.
    index : MultiIndex of ``as_of`` and ``buyer_id``
    """

    names: list[str]
    numbers: NDArray[np.float64]
    static: pd.DataFrame | None
    index: pd.MultiIndex

    def frame(self) -> pd.DataFrame:
        """As a table; numbers are not copied unless there are attributes."""
        table = pd.DataFrame(self.numbers.T, columns=self.names, copy=False)
        if self.static is not None:
            table = pd.concat([table, self.static], axis=1)
        table.index = self.index
        return table


def measure(
    histories: Histories,
    moments: Sequence[pd.Timestamp],
    entries: Sequence[Feature],
    windows: Sequence[int],
    norms: PeerNorms | None = None,
    with_static: bool = True,
) -> Measured:
    """Some features, and the attributes, of all buyers known at some dates."""
    snapshots = snapshots_of(SharedRuns(histories), moments, tuple(windows), [norms] * len(moments))
    numbers, static = _numbers_and_static(snapshots, entries, with_static)
    return Measured([entry.name for entry in entries], numbers, static, _index_of(snapshots))


def peer_norms(histories: Histories, as_of: Moment) -> PeerNorms:
    """What is usual among the buyers known at a date, to be stored and given to :func:`feature_table`."""
    moments, _ = parse_moments([as_of], histories.timezone)
    return measure_norms(Snapshot(SharedRuns(histories), moments[0], parse_windows(None)))


def available_features(
    histories: Histories, families: Sequence[str], windows: Sequence[int], horizon_days: int | None = None
) -> list[Feature]:
    """The catalogue's entries whose tables and columns were given, in the order of the table."""
    given = given_columns(histories)
    entries = catalogue_entries(families, windows, horizon_days)
    return [entry for entry in entries if given.issuperset(entry.needs)]


def given_columns(histories: Histories) -> set[str]:
    """Tables and columns that a history holds, as ``"transactions"`` and ``"transactions.amount"``."""
    given: set[str] = set()
    for table in ("transactions", "interactions", "contracts"):
        events = histories.events(table)
        if events is not None:
            read = ["buyer_id", SCHEMAS[table].time, *events.columns]
            given |= {table, *(f"{table}.{column}" for column in read)}
            if "signed_at" in events.columns:  # when terms were recorded, ahead of their start or after it
                given.add(f"{table}.recorded_at")
    if histories.buyers is not None:
        given |= {"buyers", *(f"buyers.{column}" for column in histories.buyers.columns)}
    return given


def _numbers_and_static(
    snapshots: Sequence[Snapshot], entries: Sequence[Feature], with_static: bool
) -> tuple[NDArray[np.float64], pd.DataFrame | None]:
    attributes = (
        snapshots[0].histories.attributes_for_features(max(at.as_of for at in snapshots))
        if with_static
        else None
    )
    numbers = np.empty((len(entries), sum(at.n_buyers for at in snapshots)))
    static: list[dict[str, Any]] = []
    row = 0
    with ProgressBar("Features", n_steps=len(snapshots)) as bar:
        for place, at in enumerate(snapshots):
            bar.at(place, f"as of {at.as_of:%Y-%m-%d}")
            for column, (_, values) in enumerate(feature_columns(at, entries)):
                numbers[column, row : row + at.n_buyers] = values
            static.append(dict(static_columns(at, attributes)) if with_static else {})
            row += at.n_buyers
            at.let_go()
    if not static[0]:
        return numbers, None
    attributes = pd.concat([pd.DataFrame(columns) for columns in static], ignore_index=True)
    for name in attributes.columns[attributes.dtypes == "category"]:  # no trace of buyers who came later
        attributes[name] = attributes[name].cat.remove_unused_categories()
    return numbers, attributes


def feature_columns(at: Snapshot, entries: Sequence[Feature]) -> Iterator[tuple[str, Any]]:
    """Name and values of each feature of a snapshot."""
    with np.errstate(invalid="ignore", divide="ignore"):
        for entry in entries:
            yield entry.name, column_of(entry, at)


def column_of(entry: Feature, at: Snapshot) -> Any:
    """One feature of a snapshot, its length checked."""
    values = np.asarray(entry.values(at))
    if values.shape != (at.n_buyers,):
        raise OptionError(
            f"feature {entry.name!r}: gave {values.shape} values for {at.n_buyers} buyers; give one a buyer."
        )
    return values


def _index_of(snapshots: Sequence[Snapshot]) -> pd.MultiIndex:
    moments = pd.DatetimeIndex([at.as_of for at in snapshots], dtype="datetime64[us]")
    counts = [at.n_buyers for at in snapshots]
    buyers = np.concatenate([at.buyers for at in snapshots])
    return pd.MultiIndex(
        levels=[moments, snapshots[0].histories.buyer_ids],  # type: ignore[list-item]
        codes=[np.repeat(np.arange(len(snapshots)), counts), buyers],  # type: ignore[list-item]
        names=["as_of", "buyer_id"],
        verify_integrity=False,
    )
