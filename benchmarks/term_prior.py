"""What made-up businesses of many laws teach of terms: makes ``src/clientcare/model/members/term_prior.py``.

    python benchmarks/term_prior.py [--firms 90] [--seed 7] [--write]

Each firm has a law of its own, drawn at random: how long terms are and when they begin, how many leave at an end and before
it, how a hidden mood of each buyer moves with time and how strongly leaving, contacts, ratings and missed check-ins
follow it (not at all in some firms, the wrong way in one of ten), and whether leavers fall silent before they go. The
member's two hazards are fitted to each firm, and the normal law of their coefficients over firms by EM (Laplace's
approximation within a firm). No data of any buyer is in it. Printed, or written with ``--write``, is the module; the size of
the effects is what the firms have in the mean.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import clientcare as cc
from clientcare.model.members.base import share_of
from clientcare.model.members.term_prior import USUAL_HORIZON_DAYS
from clientcare.model.members.term_signs import SIGNS
from clientcare.model.members.terms import EFFECT_SD, SIDES, TermMember
from clientcare.model.training.bound import past_dates
from clientcare.model.training.term_facts import NUMBERS, term_facts

Floats = NDArray[np.float64]
UNTIL = pd.Timestamp("2024-07-01")
MONTH = 30
HORIZONS = (30, 90, 90)
SIZES = (30, 60, 300)
ROUNDS = 40
MODULE = Path(__file__).parents[1] / "src/clientcare/model/members/term_prior.py"


@dataclass(frozen=True)
class Law:
    """How the buyers of one firm behave; moods have mean 0 and spread 1."""

    term_days: int
    starts: str
    years: float
    end_level: float
    end_by_mood: float
    loyalty: float
    early_a_year: float
    early_by_mood: float
    gap_days: float
    gap_spread: float
    voice_by_mood: float
    moves: str
    keeps: float
    silent_days: int
    silent_share: float
    rated: float
    rating_by_mood: float
    misses: float | None
    misses_by_mood: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Law:
        """A law at random."""
        half = np.abs(rng.normal(0, [1.0, 0.35, 0.8, 0.4]))
        return cls(
            term_days=int(rng.choice([90, 180, 365, 365, 365, 730])),
            starts=str(rng.choice(["any", "any", "month", "season"])),
            years=float(rng.uniform(2, 5)),
            end_level=float(rng.normal(-1.6, 0.7)),
            end_by_mood=float(half[0]) * (rng.random() < 0.85),
            loyalty=float(half[1]),
            early_a_year=float(np.exp(rng.normal(np.log(0.07), 1.0))),
            early_by_mood=float(half[2]),
            gap_days=float(np.exp(rng.uniform(np.log(6), np.log(60)))),
            gap_spread=float(rng.uniform(0.1, 0.9)),
            voice_by_mood=float(half[3]) * (1 if rng.random() < 0.9 else -1),
            moves=str(rng.choice(["by term", "by month"])),
            keeps=float(rng.uniform(0.5, 0.95)),
            silent_days=int(rng.choice([0, 0, 30, 60, 120])),
            silent_share=float(rng.uniform(0.3, 0.95)),
            rated=float(rng.choice([0, 0, 0.15, 0.3])),
            rating_by_mood=float(rng.uniform(0, 0.8)),
            misses=[None, -2.5, -1.5][int(rng.integers(3))],
            misses_by_mood=float(rng.uniform(0, 1.2)),
        )


class Firm:
    """Terms and contacts of the buyers of a firm under a law."""

    def __init__(self, law: Law, n_buyers: int, rng: np.random.Generator) -> None:
        self.law, self.rng, self.days = law, rng, int(365 * law.years)
        self.terms: list[tuple[object, ...]] = []
        self.contacts: list[tuple[object, ...]] = []
        for number in range(n_buyers):
            self._buyer(f"b{number:04d}")

    def histories(self) -> cc.Histories:
        """What the firm has on record."""
        terms = pd.DataFrame(self.terms, columns=["buyer_id", "start", "end", "cancelled_at", "plan"])
        heard = pd.DataFrame(
            self.contacts, columns=["buyer_id", "timestamp", "kind", "direction", "satisfaction", "status"]
        )
        for table, names in ((terms, ("start", "end", "cancelled_at")), (heard, ("timestamp",))):
            for name in names:
                table[name] = self._first + pd.to_timedelta(table[name].astype(float), unit="D")
        heard = heard.dropna(axis="columns", how="all")
        return cc.Histories(
            contracts=terms,
            interactions=heard if len(heard) else None,
            observed_until=UNTIL,
            satisfaction_scale=(1, 5) if "satisfaction" in heard else None,
        )

    @property
    def _first(self) -> pd.Timestamp:
        return UNTIL - pd.Timedelta(days=self.days)

    def _buyer(self, name: str) -> None:
        law, rng = self.law, self.rng
        day, mood = int(rng.integers(0, self.days - 100)), rng.normal(0, 0.7)
        if law.starts != "any":
            day = day - day % MONTH if law.starts == "month" else day // 365 * 365 + int(rng.integers(0, 60))
        plan, usual_gap, n_terms = (
            ("core", "plus")[int(rng.random() < 0.4)],
            law.gap_days * np.exp(rng.normal(0, law.gap_spread)),
            0,
        )
        while day < self.days:
            moods = self._moods(mood)
            mood = float(moods[-1])
            broken = self._breaks(moods)
            at_end = law.end_level - law.end_by_mood * moods[-2] - law.loyalty * np.log1p(n_terms)
            leaves = broken is not None or rng.random() < float(share_of(at_end + 0.4 * (plan == "plus")))
            last = day + (law.term_days if broken is None else broken)
            told = broken is not None and last < self.days
            self.terms.append((name, day, day + law.term_days, last if told else None, plan))
            self._speaks(name, day, last, moods, usual_gap, leaves)
            self._meets(name, day, last, moods)
            if leaves:
                break
            day, n_terms = day + law.term_days, n_terms + 1

    def _moods(self, mood: float) -> Floats:
        """A mood for each month of a term, and one beyond."""
        n_months, new = self.law.term_days // MONTH + 2, np.sqrt(1 - self.law.keeps**2)
        path = np.empty(n_months)
        for month in range(n_months):
            if month == 0 or self.law.moves == "by month":
                mood = self.law.keeps * mood + new * self.rng.normal()
            path[month] = mood
        return path

    def _breaks(self, moods: Floats) -> int | None:
        """The day of the term on which it is broken; None where it is not."""
        for month in range(self.law.term_days // MONTH):
            rate = self.law.early_a_year * np.exp(-self.law.early_by_mood * moods[month]) / 365
            if self.rng.random() < 1 - np.exp(-rate * MONTH):
                return month * MONTH + int(self.rng.integers(1, MONTH))
        return None

    def _speaks(self, name: str, start: int, last: int, moods: Floats, gap: float, leaves: bool) -> None:
        law, rng = self.law, self.rng
        day, end, mood = float(start), min(last, self.days), moods[0]
        while (day := day + rng.exponential(gap * np.exp(-law.voice_by_mood * mood)) + 0.01) < end:
            mood = moods[int(day - start) // MONTH]
            if not (leaves and day > last - law.silent_days and rng.random() < law.silent_share):
                rating = np.clip(np.round(3.8 + law.rating_by_mood * mood + rng.normal(0, 0.8)), 1, 5)
                rated = float(rating) if rng.random() < law.rated else np.nan
                self.contacts.append((name, day, "question", "inbound", rated, None))

    def _meets(self, name: str, start: int, last: int, moods: Floats) -> None:
        if self.law.misses is None:
            return
        for day in range(start + MONTH // 2, min(last, self.days), MONTH):
            missing = share_of(self.law.misses - self.law.misses_by_mood * moods[(day - start) // MONTH])
            status = "missed" if self.rng.random() < float(missing) else "kept"
            self.contacts.append((name, day + 0.5, "check_in", "outbound", np.nan, status))


Side = tuple[Floats, Floats, float]
"""Signs, who left, and the weight of a row."""


def rows_of(histories: cc.Histories, horizon: int) -> dict[str, Side]:
    """Of one firm, by side: what the member would learn from."""
    parts = []
    for date in past_dates(histories, UNTIL):
        if date + pd.Timedelta(days=horizon) <= UNTIL and len(facts := term_facts(histories, date)):
            left = cc.ChurnDefinition(horizon).label(histories, date).reindex(facts.index)
            parts.append(facts[list(NUMBERS)].assign(left=left.to_numpy(dtype=np.float64)))
    rows = pd.concat(parts)
    y, X = rows.pop("left").to_numpy(dtype=np.float64), rows.to_numpy(dtype=np.float64)
    member = TermMember(horizon, overlap=max(1.0, horizon / MONTH))
    member.columns_ = list(rows.columns)
    member._fit(X, y)
    signs, ends = member._signs(X), member._ends(X)
    sides = {side: ends == kind for kind, side in enumerate(SIDES)}
    return {side: (signs[here], y[here], 1 / member.overlap) for side, here in sides.items()}


def most_likely(side: Side, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Coefficients of a firm under a normal prior, and their covariance."""
    signs, y, weight = side
    Z, beta = np.column_stack([np.ones(len(y)), signs]), mean
    for _ in range(25):
        p = share_of(Z @ beta)
        curvature = (Z * (weight * p * (1 - p))[:, None]).T @ Z + np.diag(1 / variance)
        step = np.linalg.solve(curvature, weight * (Z.T @ (p - y)) + (beta - mean) / variance)
        beta = beta - step * min(1.0, 2 / np.abs(step).max())
        if np.abs(step).max() < 1e-7:
            break
    return beta, np.linalg.inv(curvature)


def law_of(firms: list[tuple[Side, float]], fixed: Floats | None = None) -> tuple[Floats, Floats]:
    """Mean and variance of level and effects over firms; each firm has an offset of the level for its horizon.

    ``fixed`` effects stay as they are, and only the level is found.
    """
    n_terms = firms[0][0][0].shape[1] + 1
    mean, variance = np.zeros(n_terms), np.full(n_terms, EFFECT_SD**2)
    mean[0], variance[0] = -2.0, 1.0
    if fixed is not None:
        mean[1:] = fixed
    for _ in range(ROUNDS):
        found, spread = [], []
        for side, offset in firms:
            moved = np.r_[mean[0] + offset, mean[1:]]
            beta, covariance = most_likely(side, moved, variance)
            found.append(np.r_[beta[0] - offset, beta[1:]])
            spread.append(np.diag(covariance))
        best, wide = np.mean(found, axis=0), np.mean(spread, axis=0) + np.var(found, axis=0)
        mean[0], variance[0] = best[0], wide[0]
        if fixed is None:
            mean, variance = best, wide
    return mean, variance


def learned(
    n_firms: int, seed: int, borrowed: float
) -> tuple[dict[str, Floats], dict[str, tuple[float, float]]]:
    """Effects by side, and the mean and spread of the level by side given the share of them that is borrowed."""
    firms: dict[str, list[tuple[Side, float]]] = {side: [] for side in SIDES}
    for number in range(n_firms):
        rng = np.random.default_rng([seed, number])
        horizon = HORIZONS[number % len(HORIZONS)]
        histories = Firm(Law.drawn(rng), SIZES[number // len(HORIZONS) % len(SIZES)], rng).histories()
        for side, rows in rows_of(histories, horizon).items():
            offset = float(np.log(horizon / USUAL_HORIZON_DAYS)) if side == "runs" else 0.0
            firms[side].append((rows, offset))
    effects, levels = {}, {}
    for side in SIDES:
        effects[side] = law_of(firms[side])[0][1:]
        mean, variance = law_of(firms[side], borrowed * effects[side])
        levels[side] = (float(mean[0]), float(np.sqrt(variance[0])))
    return effects, levels


def module(effects: dict[str, Floats], levels: dict[str, tuple[float, float]]) -> str:
    """The module that holds them."""
    head = MODULE.read_text(encoding="utf-8").split("LEVEL")[0].rstrip()
    rows = [f'    "{side}": ({level:.2f}, {sd:.2f}),' for side, (level, sd) in levels.items()]
    by_sign = [
        f'    "{name}": ({effects["runs"][at]:.2f}, {effects["ends"][at]:.2f}),'
        for at, name in enumerate(SIGNS)
    ]
    return "\n".join(
        [
            head,
            "LEVEL = {",
            *rows,
            "}",
            '"""Log-odds of leaving, and how far businesses are apart in them: before an end, and at one."""',
            "EFFECTS = {",
            *by_sign,
            "}",
            '"""What one more of each sign adds to the log-odds before an end, and at one."""',
            "",
        ]
    )


def main() -> None:
    """Print the module, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--firms", type=int, default=90)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    text = module(*learned(given.firms, given.seed, TermMember().borrowed))
    if given.write:
        MODULE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
