"""Money kept: what stayed, what grew, what was lost, and what comes up."""

from clientcare.money.loss_book import LossBook, loss_book
from clientcare.money.renewals import Renewals, renewals
from clientcare.money.revenue import revenue

__all__ = ["LossBook", "Renewals", "loss_book", "renewals", "revenue"]
