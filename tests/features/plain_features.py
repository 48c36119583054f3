"""Every feature of transactions said a second time in plain Python, buyer by buyer, from the catalogue's words.

Loops over lists of rows and shares no code with the library: slow, and easy to check by eye.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median, stdev
from typing import Any

import pandas as pd

NAN = math.nan
EULER_GAMMA = 0.5772156649015329
Numbers = dict[str, float]


def features_in_python(transactions: pd.DataFrame, as_of: pd.Timestamp, windows: Iterable[int]) -> Any:
    """The features of every buyer who bought before ``as_of``; DataFrame indexed by buyer_id."""
    rows: dict[Any, list[dict[str, Any]]] = {}
    for row in transactions.to_dict("records"):
        late = row.get("recorded_at")
        known_at = row["timestamp"] if pd.isna(late) else max(late, row["timestamp"])
        if known_at < as_of:
            rows.setdefault(row["buyer_id"], []).append(row)
    found = {buyer: _of_buyer(own, as_of.to_pydatetime(), list(windows)) for buyer, own in rows.items()}
    return pd.DataFrame.from_dict({b: f for b, f in found.items() if f}, orient="index").sort_index()


def _of_buyer(rows: list[dict[str, Any]], as_of: datetime, windows: list[int]) -> Numbers:
    bought = [row for row in rows if not row["amount"] <= 0]
    if not bought:
        return {}
    today = as_of.date()
    days = sorted({row["timestamp"].date() for row in bought})
    ages = [(today - day).days for day in days]
    return {
        **_timing(bought, ages),
        **_rhythm(days, ages, today),
        **_spend(rows, bought, days, ages, today),
        **_season(days, ages, as_of),
        **_breadth(bought, ages, today),
        **{name: value for width in windows for name, value in _window(width, bought, days, ages).items()},
    }


def _over(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else NAN


def _sd(values: list[float]) -> float:
    return stdev(values) if len(values) > 1 else NAN


def _timing(bought: list[dict[str, Any]], ages: list[int]) -> Numbers:
    silence, age, n = ages[-1], ages[0], len(ages)
    return {
        "days_since_last_purchase": silence,
        "days_since_first_purchase": age,
        "days_first_to_last_purchase": age - silence,
        "days_since_previous_purchase": ages[-2] if n > 1 else NAN,
        "days_first_to_second_purchase": ages[0] - ages[1] if n > 1 else NAN,
        "n_purchases": n,
        "n_repeat_purchases": n - 1,
        "n_purchase_lines": len(bought),
        "lines_per_purchase": len(bought) / n,
        "n_orders": _distinct(bought, "order_id"),
        "silence_share_of_age": _over(silence, age),
        "active_share_of_age": _over(age - silence, age),
    }


def _rhythm(days: list[date], ages: list[int], today: date) -> Numbers:
    n, silence, age = len(days), ages[-1], ages[0]
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    mean = fmean(gaps) if gaps else NAN
    usual = median(gaps) if gaps else NAN
    recent = fmean(gaps[-3:]) if gaps else NAN
    half = n // 2
    earlier = (age - ages[half]) / half if half else NAN
    later = (ages[half] - silence) / (n - 1 - half) if n - 1 > half else NAN
    logs = [math.log(gap) for gap in gaps]
    streaks = _streaks({max(one - 1, 0) // 30 for one in ages})
    weekdays = Counter(day.weekday() for day in days)
    return {
        "gap_days_mean": mean,
        "gap_days_median": usual,
        "gap_days_sd": _sd(gaps),
        "gap_days_min": min(gaps, default=NAN),
        "gap_days_max": max(gaps, default=NAN),
        "gap_days_last": gaps[-1] if gaps else NAN,
        "gap_days_last_but_one": gaps[-2] if n > 2 else NAN,
        "gap_days_mean_last_three": recent,
        "gap_recent_to_mean_ratio": recent / mean,
        "gap_last_to_median_ratio": gaps[-1] / usual if gaps else NAN,
        "gap_change_ratio": later / earlier if n > 2 else NAN,
        "gap_variation_ratio": _sd(gaps) / mean,
        "log_gap_sd": _sd(logs),
        "gap_regularity_shape": _shape(logs, mean) if gaps else NAN,
        "overdue_mean_ratio": silence / mean,
        "overdue_ratio": silence / usual,
        "overdue_longest_ratio": silence / max(gaps, default=NAN),
        "days_overdue": silence - usual,
        "share_of_gaps_outlasted": fmean(gap < silence for gap in gaps) if gaps else NAN,
        "longest_silence_days": max([*gaps, silence]),
        "n_months_in_a_row": streaks.get(0, 0),
        "n_months_in_a_row_longest": max(streaks.values()),
        "weekend_purchase_share": fmean(day.weekday() >= 5 for day in days),
        "favourite_weekday_share": max(weekdays.values()) / n,
    }


def _shape(logs: list[float], mean: float) -> float:
    s = (len(logs) * max(math.log(mean) - fmean(logs), 0) + 2 * EULER_GAMMA) / (len(logs) + 2)
    return (3 - s + math.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)


def _streaks(periods: set[int]) -> dict[int, int]:
    """Length of each unbroken stretch of periods, by its latest one (0 = now)."""
    found = {}
    for first in (period for period in periods if period - 1 not in periods):
        last = first
        while last + 1 in periods:
            last += 1
        found[first] = last - first + 1
    return found


def _spend(
    rows: list[dict[str, Any]], bought: list[dict[str, Any]], days: list[date], ages: list[int], today: date
) -> Numbers:
    spent = list(_a_day(bought, days, "amount").values())
    items = list(_a_day(bought, days, "quantity").values())
    n, total = len(spent), math.fsum(spent) if spent else NAN
    mean = _over(total, n)
    logs = [math.log(amount) for amount in spent]
    log_mean = fmean(logs) if logs else NAN
    half = n // 2
    returned = [row for row in rows if row["amount"] < 0]
    given_back = -math.fsum(row["amount"] for row in returned)
    return {
        "total_spent": total,
        "net_spent": total - given_back,
        "purchase_amount_mean": mean,
        "purchase_amount_sd": _sd(spent),
        "purchase_amount_variation_ratio": _sd(spent) / mean,
        "purchase_amount_max": max(spent, default=NAN),
        "purchase_amount_min": min(spent, default=NAN),
        "purchase_amount_last": spent[-1] if n else NAN,
        "purchase_amount_first": spent[0] if n else NAN,
        "purchase_amount_last_to_mean_ratio": spent[-1] / mean if n else NAN,
        "purchase_amount_change_ratio": fmean(spent[half:]) / fmean(spent[:half]) if half else NAN,
        "largest_purchase_share": max(spent, default=NAN) / total,
        "spent_per_month": total * 30 / max(ages[0], 30),
        "purchase_log_amount_sum": math.fsum(logs) if logs else NAN,
        "purchase_log_amount_mean": log_mean,
        "purchase_log_amount_sd": _sd(logs),
        "purchase_log_amount_last": logs[-1] if n else NAN,
        "purchase_log_amount_first": logs[0] if n else NAN,
        "purchase_log_amount_max": max(logs, default=NAN),
        "purchase_log_amount_last_less_mean": logs[-1] - log_mean if n else NAN,
        "n_returns": len(returned),
        "returned_amount": given_back,
        "returned_share": _over(given_back, total),
        "days_since_last_return": min(((today - r["timestamp"].date()).days for r in returned), default=NAN),
        "n_items": math.fsum(items) if items else NAN,
        "items_per_purchase": fmean(items) if items else NAN,
    }


def _a_day(bought: list[dict[str, Any]], days: list[date], column: str) -> dict[date, float]:
    """What is known of a column, added up, on each day on which something is."""
    known = {day: [] for day in days}
    for row in bought:
        if not pd.isna(row[column]):
            known[row["timestamp"].date()].append(row[column])
    return {day: math.fsum(values) for day, values in known.items() if values}


def _season(days: list[date], ages: list[int], as_of: datetime) -> Numbers:
    years = ages[0] // 365
    whole = [age for age in ages if age <= 365 * years]
    return {
        "purchase_share_coming_season": fmean((age - 1) % 365 >= 365 - 91 for age in whole)
        if whole and years
        else NAN,
        "purchase_share_this_time_of_year": fmean(min(age % 365, 365 - age % 365) <= 45 for age in ages),
        "year_end_purchase_share": fmean(day.month >= 11 for day in days),
        "n_active_years": len({max(age - 1, 0) // 365 for age in ages}),
        "days_to_anniversary": -ages[0] % 365,
        "year_elapsed_share": (as_of.timetuple().tm_yday - 1) / 366,
    }


def _distinct(rows: list[dict[str, Any]], column: str) -> int:
    return len({row[column] for row in rows if not pd.isna(row[column])})


def _breadth(bought: list[dict[str, Any]], ages: list[int], today: date) -> Numbers:
    found: Numbers = {}
    plural = {"category": "categories", "product_id": "products", "channel": "channels"}
    for column, many in plural.items():
        one = column.removesuffix("_id")
        lines: dict[Any, list[int]] = {}
        for row in bought:
            if not pd.isna(row[column]):
                lines.setdefault(row[column], []).append((today - row["timestamp"].date()).days)
        n_lines = sum(map(len, lines.values()))
        new = sum(max(of_code) <= 90 for of_code in lines.values())
        lately = sum(min(of_code) <= 90 for of_code in lines.values())
        shares = [len(of_code) / n_lines for of_code in lines.values()]
        found[f"n_{many}"] = len(lines)
        found[f"n_{many}_90d"] = lately
        found[f"n_new_{many}_90d"] = new if ages[0] > 90 else 0
        found[f"n_{many}_left"] = len(lines) - lately
        found[f"top_{one}_share"] = max(shares, default=NAN)
        found[f"{one}_entropy"] = abs(-math.fsum(p * math.log(p) for p in shares)) if shares else NAN
        found[f"days_since_new_{one}"] = min((max(of_code) for of_code in lines.values()), default=NAN)
        again = [len(set(of_code)) > 1 for of_code in lines.values()]
        found[f"rebought_{one}_share"] = fmean(again) if again else NAN
    return found


def _window(w: int, bought: list[dict[str, Any]], days: list[date], ages: list[int]) -> Numbers:
    n = [sum(start < age <= start + w for age in ages) for start in (0, w, 2 * w)]
    n[0] += sum(age == 0 for age in ages)
    thirds = [(-1, w // 3), (w // 3, 2 * w // 3), (2 * w // 3, w)]
    today = days[0] + timedelta(days=ages[0])
    spent = {(today - day).days: value for day, value in _a_day(bought, days, "amount").items()}
    total = math.fsum(spent.values())
    now = math.fsum(value for age, value in spent.items() if age <= w)
    before = math.fsum(value for age, value in spent.items() if w < age <= 2 * w)
    usual = len(ages) * w / max(ages[0], w)
    year = 365 * math.ceil(w / 365)
    a_year_ago = sum(year - w < age <= year for age in ages)
    periods = len({max(age - 1, 0) // w for age in ages})
    return {
        f"n_purchases_{w}d": n[0],
        f"n_purchases_{w}d_before": n[1],
        f"n_purchases_{w}d_two_before": n[2],
        f"n_purchases_{w}d_change": n[0] - n[1],
        f"n_active_thirds_{w}d": sum(any(low < age <= high for age in ages) for low, high in thirds),
        f"purchases_per_{w}d": usual,
        f"purchases_{w}d_to_usual_ratio": n[0] / usual,
        f"n_purchases_decayed_{w}d": math.fsum(2 ** (-age / w) for age in ages),
        f"n_active_periods_{w}d": periods,
        f"active_period_share_{w}d": periods / (max(ages[0] - 1, 0) // w + 1),
        f"spent_{w}d": now if spent or not n[0] else NAN,
        f"spent_{w}d_change": now - before if spent or not n[0] + n[1] else NAN,
        f"spent_{w}d_share": _over(now, total),
        f"n_purchases_{w}d_year_ago": a_year_ago if ages[0] >= year else NAN,
    }
