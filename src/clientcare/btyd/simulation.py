"""Buyers whose truth is known: purchases drawn from a model, as a table or as a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.btyd.table import AGE, COUNT, GAPS, RECENCY
from clientcare.exceptions import OptionError
from clientcare.window import Moment, parse_moment

Floats = NDArray[Any]


@dataclass(frozen=True)
class DrawnPurchases:
    """Repeat purchases sorted by buyer and time; ``time`` is counted from the buyer's first purchase."""

    buyer: NDArray[np.int64]
    time: Floats


class DrawsPurchases(Protocol):
    """A model that can draw the repeat purchases of buyers watched for given times."""

    def _draw(self, rng: np.random.Generator, watched: Floats) -> DrawnPurchases: ...


def uniform_purchases(rng: np.random.Generator, rate: Floats, active: Floats) -> DrawnPurchases:
    """Poisson purchases at a rate for as long as each buyer is active."""
    number = rng.poisson(rate * active)
    buyer = np.repeat(np.arange(len(rate)), number)
    time = rng.random(len(buyer)) * active[buyer]
    return DrawnPurchases(buyer, time[np.lexsort([time, buyer])])


def purchases_until_leaving(
    rng: np.random.Generator, rate: Floats, leave: Floats, watched: Floats, k: int, leaves_at_once: bool
) -> DrawnPurchases:
    """Erlang-k gaps, and a chance to leave after each purchase; all buyers step by step together."""
    there = np.arange(len(rate))
    if leaves_at_once:
        there = there[rng.random(len(there)) >= leave]
    now = np.zeros(len(rate))
    buyers, times = [], []
    while len(there):
        with np.errstate(divide="ignore", over="ignore"):
            now[there] += rng.gamma(float(k), size=len(there)) / rate[there]
        there = there[now[there] <= watched[there]]
        buyers.append(there)
        times.append(now[there])
        there = there[rng.random(len(there)) >= leave[there]]
    buyer, time = np.concatenate([*buyers, []]).astype(np.int64), np.concatenate([*times, []])
    order = np.argsort(buyer, kind="stable")
    return DrawnPurchases(buyer[order], time[order])


def simulated_summary(
    model: DrawsPurchases,
    n_buyers: int,
    days: float,
    acquisition_days: float,
    holdout_days: float,
    random_state: int,
) -> pd.DataFrame:
    """The table of :func:`purchase_summary` for drawn buyers, and what they buy in a holdout."""
    rng, age = _ages(n_buyers, days, acquisition_days, holdout_days, random_state)
    drawn = model._draw(rng, age + holdout_days)
    later = drawn.time > age[drawn.buyer]
    buyer, time = drawn.buyer[~later], drawn.time[~later]
    count = np.bincount(buyer, minlength=n_buyers)
    last = np.cumsum(count) - 1
    bought = count > 0
    recency = np.zeros(n_buyers)
    recency[bought] = time[last[bought]]
    same = np.concatenate([[False], buyer[1:] == buyer[:-1]])
    gaps = np.log(time - np.where(same, np.roll(time, 1), 0.0))
    table = pd.DataFrame(
        {
            COUNT: count,
            RECENCY: recency,
            AGE: age,
            GAPS: np.bincount(buyer, weights=gaps, minlength=n_buyers),
        },
        index=pd.RangeIndex(n_buyers, name="buyer_id"),
    )
    if holdout_days:
        table["n_holdout_purchases"] = np.bincount(drawn.buyer[later], minlength=n_buyers)
    return table


def simulated_log(
    model: DrawsPurchases,
    n_buyers: int,
    days: float,
    acquisition_days: float,
    start: Moment,
    random_state: int,
) -> pd.DataFrame:
    """Every purchase, the first ones included, as a table for the door."""
    rng, age = _ages(n_buyers, days, acquisition_days, 0.0, random_state)
    drawn = model._draw(rng, age)
    buyer = np.concatenate([np.arange(n_buyers), drawn.buyer])
    day = np.concatenate([days - age, (days - age)[drawn.buyer] + drawn.time])
    order = np.lexsort([day, buyer])
    seconds = np.floor(day[order] * 86_400).astype(np.int64)
    stamps = parse_moment(start, name="start").to_datetime64().astype("datetime64[s]") + seconds.astype(
        "timedelta64[s]"
    )
    return pd.DataFrame({"buyer_id": buyer[order], "timestamp": stamps.astype("datetime64[us]")})


def _ages(
    n_buyers: int, days: float, acquisition_days: float, holdout_days: float, random_state: int
) -> tuple[np.random.Generator, Floats]:
    if int(n_buyers) != n_buyers or n_buyers < 1:
        raise OptionError("simulate: n_buyers must be a whole number above 0.")
    if not 0 <= acquisition_days <= days or not np.isfinite(days) or not days > 0:
        raise OptionError("simulate: need 0 <= acquisition_days <= days, and days above 0.")
    if not 0 <= holdout_days < np.inf:
        raise OptionError("simulate: holdout_days must be finite and not negative.")
    rng = np.random.default_rng(random_state)
    return rng, days - acquisition_days * rng.random(n_buyers)
