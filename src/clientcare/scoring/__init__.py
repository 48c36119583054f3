"""Batch jobs: score what does not fit in memory, publish all or nothing, compare two runs."""

from clientcare.history.sources.databases import DatabaseQuery
from clientcare.scoring.database import DatabaseTable
from clientcare.scoring.dataset import score_dataset
from clientcare.scoring.export import guard_formulas, unguard_formulas
from clientcare.scoring.monitor import ScoreComparison, compare_scores
from clientcare.scoring.parts import partition, score_partition
from clientcare.scoring.pushdown import day_query, expand_days
from clientcare.scoring.reading import read_book
from clientcare.scoring.result import Progress, ScoringResult
from clientcare.scoring.sample import sample_histories

__all__ = [
    "DatabaseQuery",
    "DatabaseTable",
    "Progress",
    "ScoreComparison",
    "ScoringResult",
    "compare_scores",
    "day_query",
    "expand_days",
    "guard_formulas",
    "partition",
    "read_book",
    "sample_histories",
    "score_dataset",
    "score_partition",
    "unguard_formulas",
]
