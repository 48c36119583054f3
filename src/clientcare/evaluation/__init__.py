"""Can it be believed? Backtests in time, baselines, measures with intervals, splits that keep a
horizon's distance.
"""

from clientcare.evaluation.backtest import Backtest, backtest
from clientcare.evaluation.baselines import RecencyBaseline
from clientcare.evaluation.metrics import (
    MEASURES,
    auc,
    average_precision,
    bias,
    brier,
    calibration_error,
    calibration_error_by_chance,
    lift,
    log_loss,
    lost_value_caught,
    measure,
    resample_buyers,
)
from clientcare.evaluation.splits import SnapshotSplit

__all__ = [
    "MEASURES",
    "Backtest",
    "RecencyBaseline",
    "SnapshotSplit",
    "auc",
    "average_precision",
    "backtest",
    "bias",
    "brier",
    "calibration_error",
    "calibration_error_by_chance",
    "lift",
    "log_loss",
    "lost_value_caught",
    "measure",
    "resample_buyers",
]
