"""The door: tables and files in, sorted and frozen histories out."""

from clientcare.history.events import EventTable
from clientcare.history.histories import Histories

__all__ = ["EventTable", "Histories"]
