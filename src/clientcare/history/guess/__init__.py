"""Guessing: what files of others hold, how they write it, and the options with which the door reads them."""

from clientcare.history.guess.options import GuessedOptions, guess_options

__all__ = ["GuessedOptions", "guess_options"]
