"""Money kept: what stayed, what grew, what was lost, and what comes up."""

from clientcare.money.renewals import Renewals, renewals
from clientcare.money.revenue import revenue

__all__ = ["Renewals", "renewals", "revenue"]
