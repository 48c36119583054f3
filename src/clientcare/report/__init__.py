"""What people look at: plots in scikit-learn's manner, and the book as one HTML page."""

from clientcare.report.backtest_plot import BacktestDisplay
from clientcare.report.gaps import GapDisplay
from clientcare.report.lift import LiftDisplay
from clientcare.report.losses import LossBookDisplay
from clientcare.report.migration import MigrationDisplay
from clientcare.report.page import write_report
from clientcare.report.radar import CareRadarDisplay
from clientcare.report.relationship_map import RelationshipMapDisplay
from clientcare.report.reliability import ReliabilityDisplay
from clientcare.report.renewals_calendar import RenewalsDisplay
from clientcare.report.retention import RetentionDisplay
from clientcare.report.revenue_waterfall import RevenueWaterfallDisplay
from clientcare.report.silence_map import SilenceMapDisplay
from clientcare.report.timeline import TimelineDisplay
from clientcare.report.trend import TrendDisplay
from clientcare.report.waterfall import ReasonsDisplay

__all__ = [
    "BacktestDisplay",
    "CareRadarDisplay",
    "GapDisplay",
    "LiftDisplay",
    "LossBookDisplay",
    "MigrationDisplay",
    "ReasonsDisplay",
    "RelationshipMapDisplay",
    "ReliabilityDisplay",
    "RenewalsDisplay",
    "RetentionDisplay",
    "RevenueWaterfallDisplay",
    "SilenceMapDisplay",
    "TimelineDisplay",
    "TrendDisplay",
    "write_report",
]
