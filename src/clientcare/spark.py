"""Features and scores of Spark DataFrames: ``from clientcare import spark``; needs ``pip install 'clientcare[spark]'``."""

from clientcare.scoring.spark import features, sample_histories, score

__all__ = ["features", "sample_histories", "score"]
