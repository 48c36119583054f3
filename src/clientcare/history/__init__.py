"""The door: tables and files in, sorted and frozen histories out."""

from clientcare.facts.events import EventTable
from clientcare.history.guess import GuessedOptions, guess_options
from clientcare.history.histories import Histories, require_histories
from clientcare.history.options import DoorOptions
from clientcare.history.population import in_force, known_buyers
from clientcare.history.sources.databases import DatabaseQuery
from clientcare.history.sources.files import read_histories

__all__ = [
    "DatabaseQuery",
    "DoorOptions",
    "EventTable",
    "GuessedOptions",
    "Histories",
    "guess_options",
    "in_force",
    "known_buyers",
    "read_histories",
    "require_histories",
]
