"""The command line: the same verbs as the Python face, one file a verb."""

from __future__ import annotations

from clientcare.cli.program import main

__all__ = ["main"]
