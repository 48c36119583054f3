"""Money kept: what stayed, what grew, what was lost, and what comes up."""

from clientcare.money.buyer_value import BuyerValues, buyer_value
from clientcare.money.loss_book import LossBook, loss_book
from clientcare.money.renewals import Renewals, renewals
from clientcare.money.revenue import revenue

__all__ = ["BuyerValues", "LossBook", "Renewals", "buyer_value", "loss_book", "renewals", "revenue"]
