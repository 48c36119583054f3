"""What a buyer's own gaps say of the horizon: how often so long a silence ended within another horizon.

Two readings of the same question, "given a silence of R days, how likely are H more?": counts of the buyer's own gaps
longer than R and than R + H, and a log-normal law of the gaps, drawn towards half a horizon by two gaps' worth. Both
once with all gaps alike and once with gaps of late counting more, since a rhythm may change. Nothing here depends on
the other buyers.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from clientcare.facts.runs import Floats, Ints, Runs
from clientcare.features.catalogue import feature
from clientcare.features.snapshot import Snapshot

HALF_LIFE_HORIZONS = 4
"""A gap counts half as much, in the columns of late, for each four horizons since it ended."""
PRIOR_GAPS = 2.0
PRIOR_LOG_VARIANCE = 0.64
SIXTHS = 6
SPANS = (1, 2, 4)

NAMES = (
    "gap_n_beyond_horizon",
    "gap_share_beyond_horizon",
    "overdue_log_share_outlasting_horizon",
    "overdue_share_of_gaps_longer",
    "overdue_log_survival",
    "overdue_z_at_horizon_end",
    "gap_log_mean_shrunk",
    "gap_log_sd_shrunk",
    "overdue_log_share_outlasting_horizon_lately",
    "overdue_share_of_gaps_longer_lately",
    "overdue_log_survival_lately",
    "overdue_z_at_horizon_end_lately",
    "gap_log_mean_shrunk_lately",
    "gap_log_sd_shrunk_lately",
    *(f"n_active_sixths_{span}_horizons" for span in SPANS),
)
"""The columns, in their order."""
NEVER_BOUGHT = "no purchase yet (a contract only)"


def _gap_feature(
    name: str, unit: str, phrase: str, summary: str, theme: str = "silence", lately: bool = False
) -> None:
    """Enter one of the columns, and with ``lately`` the same with gaps of late counting more."""
    for late in (False, True) if lately else (False,):
        column = f"{name}_lately" if late else name
        place = NAMES.index(column)

        def compute(at: Snapshot, horizon_days: int, place: int = place) -> Floats:
            return np.asarray(at.once(_columns_at, horizon_days)[:, place])

        compute.__doc__ = summary.removesuffix(".") + (", gaps of late counting more." if late else ".")
        said = phrase.replace(f"{{{name}:", f"{{{column}:") + (", of late" if late else "")
        feature("own_gaps", unit, nan=NEVER_BOUGHT, phrase=said, name=column, theme=theme)(compute)


_gap_feature(
    "gap_n_beyond_horizon",
    "gaps",
    "{gap_n_beyond_horizon:.0f} times away for more than <w> days",
    "Own gaps between purchases that were longer than the horizon.",
    theme="rhythm",
)
_gap_feature(
    "gap_share_beyond_horizon",
    "share",
    "{gap_share_beyond_horizon:.0%} of the gaps longer than <w> days",
    "Share of own gaps longer than the horizon, a fifth of a long one mixed in.",
    theme="rhythm",
)
_gap_feature(
    "overdue_log_share_outlasting_horizon",
    "log share",
    "of gaps as long as this silence, a share of exp({overdue_log_share_outlasting_horizon:.1f}) went on for <w> days more",
    "Log of the share, among own gaps as long as the silence, that went on for a horizon more.",
    lately=True,
)
_gap_feature(
    "overdue_share_of_gaps_longer",
    "share",
    "{overdue_share_of_gaps_longer:.0%} of the own gaps were longer than this silence",
    "Share of own gaps at least as long as the silence, half a gap mixed in.",
    lately=True,
)
_gap_feature(
    "overdue_log_survival",
    "log share",
    "by the own rhythm the silence goes on for <w> days more with probability exp({overdue_log_survival:.1f})",
    "Log probability that the silence outlasts the horizon, by a log-normal law of the own gaps.",
    lately=True,
)
_gap_feature(
    "overdue_z_at_horizon_end",
    "standard deviations",
    "at the end of <w> days the silence would lie {overdue_z_at_horizon_end:+.1f} standard deviations from the usual",
    "How unusual the silence will be at the end of the horizon: log days against the own log gaps.",
    lately=True,
)
_gap_feature(
    "gap_log_mean_shrunk",
    "log days",
    "the mean log gap is {gap_log_mean_shrunk:.1f}",
    "Mean of the log gaps, two gaps of half a horizon mixed in.",
    theme="rhythm",
    lately=True,
)
_gap_feature(
    "gap_log_sd_shrunk",
    "log days",
    "log gaps vary by {gap_log_sd_shrunk:.1f}",
    "Standard deviation of the log gaps, two usual ones mixed in.",
    theme="rhythm",
    lately=True,
)
for _span in SPANS:
    _gap_feature(
        f"n_active_sixths_{_span}_horizons",
        "sixths of a horizon",
        f"bought in {{n_active_sixths_{_span}_horizons:.0f}} of the last {_span * SIXTHS} sixths of <w> days",
        f"Sixths of a horizon with a purchase, among those of the last {_span} horizons.",
        theme="purchases",
    )


def sum_of_log_gaps(shrunk_mean: Floats, n_gaps: Floats, horizon_days: int) -> Floats:
    """The sum of the logs of a buyer's gaps, taken back from the column ``gap_log_mean_shrunk``; shape (n_buyers,)."""
    return shrunk_mean * (n_gaps + PRIOR_GAPS) - PRIOR_GAPS * _usual_log_gap(horizon_days)


def mean_log_gap_drawn(sum_of_logs: Floats, n_gaps: Floats, horizon_days: int) -> Floats:
    """The column ``gap_log_mean_shrunk`` for a horizon, from what :func:`sum_of_log_gaps` gives; shape (n_buyers,)."""
    return (sum_of_logs + PRIOR_GAPS * _usual_log_gap(horizon_days)) / (n_gaps + PRIOR_GAPS)


def _usual_log_gap(horizon_days: int) -> float:
    return float(np.log(max(horizon_days / 2, 1.0)))


def _columns_at(at: Snapshot, horizon_days: int) -> Floats:
    """All columns of :data:`NAMES` at once, shape (n_buyers known, 17)."""
    runs, gap = at.gap_runs
    ended = at.purchase_age[np.flatnonzero(at.gap)]
    beyond = runs.tally(gap > horizon_days).astype(np.float64)
    columns = [beyond, (beyond + 0.2) / (runs.count + 1.0)]
    for weight in (np.ones(len(gap)), np.exp2(-ended / (HALF_LIFE_HORIZONS * horizon_days))):
        columns += _outlasting(runs, gap, weight, at.silence, horizon_days)
    columns += [_active_sixths(at, span, horizon_days) for span in SPANS]
    table = np.column_stack(columns)
    table[at.n_purchases == 0] = np.nan
    return table


def _outlasting(runs: Runs, gap: Ints, weight: Floats, silence: Floats, horizon_days: int) -> list[Floats]:
    """Gaps longer than the silence and than the silence plus a horizon: counted, and by a log-normal law."""
    own_silence = silence[runs.row]
    longer = runs.sum(weight * (gap >= own_silence))
    much_longer = runs.sum(weight * (gap >= own_silence + horizon_days))
    total = runs.sum(weight)
    log_gap = np.log(gap)
    mean = (runs.sum(weight * log_gap) + PRIOR_GAPS * _usual_log_gap(horizon_days)) / (total + PRIOR_GAPS)
    squares = runs.sum(weight * (log_gap - mean[runs.row]) ** 2) + PRIOR_GAPS * PRIOR_LOG_VARIANCE
    sd = np.sqrt(squares / (total + PRIOR_GAPS))
    now = (np.log(np.maximum(silence, 0.5)) - mean) / sd
    then = (np.log(np.maximum(silence, 0.5) + horizon_days) - mean) / sd
    return [
        np.log((much_longer + 0.3) / (longer + 1.0)),
        (longer + 0.5) / (total + 1.0),
        log_ndtr(-then) - log_ndtr(-now),
        then,
        mean,
        sd,
    ]


def _active_sixths(at: Snapshot, span: int, horizon_days: int) -> Floats:
    """How many sixths of a horizon, among those of the last ``span`` horizons, had a purchase."""
    sixth = (np.maximum(at.purchase_age - 1, 0) * SIXTHS) // horizon_days
    recent = np.flatnonzero(sixth < SIXTHS * span)
    row, sixth = at.purchases.row[recent], sixth[recent]
    new = np.ones(len(row), dtype=bool)
    new[1:] = (row[1:] != row[:-1]) | (sixth[1:] != sixth[:-1])
    return np.bincount(row[new], minlength=at.n_buyers).astype(np.float64)
