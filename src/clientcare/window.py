"""Moments and stretches: as_of, horizon, calendar days.

Inside clientcare a moment is an int64 count of microseconds since 1970-01-01 on the seller's own wall clock, and a day is
that count divided by a day, rounded down. ``as_of`` is exclusive: what happens at it is not known yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd

from clientcare.exceptions import NotObservedError, OptionError

MICROSECONDS_A_DAY = 86_400_000_000
UNKNOWN_TIME = np.iinfo(np.int64).min
"""The int64 that stands for a moment nobody knows (NaT)."""

YEAR_FIRST = re.compile(r"\s*\d{4}(\D|\d{4}|$)")
"""What a text begins with that can be read one way alone: 03/04/2011 is two dates."""

DAYS_OR_WEEKS = re.compile(r"\s*(\d{1,7})\s*(d|days?|w|weeks?)?\s*", re.IGNORECASE)
"""A whole number of days or weeks as people write it; a number alone is days."""

Moment = str | date | datetime | np.datetime64 | pd.Timestamp
Days = int | str | pd.Timedelta | np.timedelta64


def parse_moment(moment: Moment, timezone: str | None = None, name: str = "as_of") -> pd.Timestamp:
    """A moment on the seller's wall clock, without a zone.

    Parameters
    ----------
    moment : str, date, datetime or Timestamp
        A moment with a zone is turned into the zone of the histories.
    timezone : str, optional
        The zone of the histories; a moment with a zone is refused where this is not known.
    name : str
        What the moment is, for the message.

    Raises
    ------
    OptionError
        Where it is no date, is NaT, or has a zone that cannot be placed.

    Examples
    --------
    >>> parse_moment("2011-06-01")
    Timestamp('2011-06-01 00:00:00')
    """
    if isinstance(moment, (bool, int, float, np.integer, np.floating)) and not pd.isna(moment):
        raise OptionError(f"{name}: a number is no date. Write it as text ('2011-06-01') or as a Timestamp.")
    if isinstance(moment, str) and moment.strip() and not YEAR_FIRST.match(moment):
        raise OptionError(f"{name}: not a date that begins with its year. Write it as '2011-06-01'.")
    try:
        stamp = pd.Timestamp(moment)
    except (ValueError, TypeError) as cause:
        raise OptionError(f"{name}: not a date. Write it as '2011-06-01' or as a Timestamp.") from cause
    if pd.isna(stamp):
        raise OptionError(f"{name}: no date given (NaT).")
    if stamp.tzinfo is not None:
        if timezone is None:
            raise OptionError(
                f"{name}: has a time zone, but the histories have none.\n"
                "Give it without a zone, or state the zone of the histories: Histories(..., timezone='Europe/London')."
            )
        stamp = stamp.tz_convert(timezone).tz_localize(None)
    return stamp.as_unit("us")


def parse_moments(
    as_of: Moment | Iterable[Moment], timezone: str | None = None, name: str = "as_of"
) -> tuple[list[pd.Timestamp], bool]:
    """One or several moments, sorted and distinct, and whether several were asked for.

    Examples
    --------
    >>> parse_moments(["2011-06-01", "2011-03-01"])
    ([Timestamp('2011-03-01 00:00:00'), Timestamp('2011-06-01 00:00:00')], True)
    """
    if isinstance(as_of, (str, date, datetime, np.datetime64)) or not isinstance(as_of, Iterable):
        return [parse_moment(as_of, timezone, name)], False
    moments = sorted({parse_moment(moment, timezone, name) for moment in as_of})
    if not moments:
        raise OptionError(f"{name}: an empty list. Give at least one date.")
    return moments, True


def parse_days(stretch: Days, name: str = "horizon") -> int:
    """A stretch of whole days, at least one.

    Examples
    --------
    >>> parse_days("90D"), parse_days(30), parse_days("2W")
    (90, 30, 14)
    """
    if isinstance(stretch, str) and (written := DAYS_OR_WEEKS.fullmatch(stretch)):
        unit = written[2] or "d"
        stretch = int(written[1]) * (7 if unit.lower().startswith("w") else 1)
    if isinstance(stretch, bool):
        raise OptionError(f"{name}: not a length of time. Write it as '90D' or as 90 (days).")
    try:
        delta = (
            pd.Timedelta(days=int(stretch))
            if isinstance(stretch, (int, np.integer)) and not isinstance(stretch, np.timedelta64)
            else pd.Timedelta(stretch)
        )
    except (ValueError, TypeError, OverflowError) as cause:
        raise OptionError(f"{name}: not a length of time. Write it as '90D' or as 90 (days).") from cause
    if pd.isna(delta) or delta < pd.Timedelta(days=1) or delta != delta.floor("D"):
        raise OptionError(f"{name}: must be a whole number of days, one or more. Write it as '90D' or as 90.")
    return int(delta.days)


def microseconds(moment: pd.Timestamp) -> int:
    """Microseconds since 1970-01-01 of a moment without a zone."""
    return int(moment.to_datetime64().astype("datetime64[us]").astype(np.int64))


def day_number(moment: pd.Timestamp) -> int:
    """The calendar day of a moment, counted from 1970-01-01."""
    return microseconds(moment) // MICROSECONDS_A_DAY


def timestamp_of(microseconds_since_1970: int) -> pd.Timestamp:
    """The moment behind a count of microseconds."""
    return pd.Timestamp(microseconds_since_1970, unit="us").as_unit("us")


@dataclass(frozen=True)
class Window:
    """The stretch [as_of, as_of + horizon) that a prediction or a label speaks of."""

    as_of: pd.Timestamp
    horizon_days: int

    @property
    def end(self) -> pd.Timestamp:
        """The first moment after the horizon."""
        return self.as_of + pd.Timedelta(days=self.horizon_days)

    def require_observed(self, asker: str, observed_until: pd.Timestamp) -> None:
        """Refuse a horizon that reaches past what was observed, and say what would fit.

        Raises
        ------
        NotObservedError
        """
        if self.end <= observed_until:
            return
        latest = observed_until - pd.Timedelta(days=self.horizon_days)
        days_left = (observed_until - self.as_of).days
        shorter = f", or shorten the horizon to {days_left} days" if days_left >= 1 else ""
        raise NotObservedError(
            f"{asker}: as_of {self.as_of:%Y-%m-%d} + horizon {self.horizon_days} days ends {self.end:%Y-%m-%d}, "
            f"but the data is observed until {observed_until:%Y-%m-%d}.\n"
            f"Move as_of to {latest:%Y-%m-%d} or earlier{shorter}."
        )


def latest_windows(
    observed_from: pd.Timestamp,
    observed_until: pd.Timestamp,
    horizon_days: int,
    n_windows: int,
    step_days: int,
) -> Sequence[Window]:
    """The latest windows whose whole horizon was observed, newest last, ``step_days`` apart."""
    moment = observed_until - pd.Timedelta(days=horizon_days)
    windows: list[Window] = []
    while len(windows) < n_windows and moment > observed_from:
        windows.append(Window(moment, horizon_days))
        moment -= pd.Timedelta(days=step_days)
    return windows[::-1]
