"""Care: who is under it, what is due, what it does, and whom to care for next."""

from clientcare.care.plan import care_plan
from clientcare.care.practices import care_practices
from clientcare.care.report_card import CareReport, care_report

__all__ = ["CareReport", "care_plan", "care_practices", "care_report"]
