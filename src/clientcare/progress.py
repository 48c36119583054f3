"""How far a long piece of work is, for a person who watches; silent in pipelines.

A bar is drawn where tqdm is installed (``pip install 'clientcare[progress]'``) and somebody can see it: the error stream is
a terminal, or the code runs in a notebook. It is wiped away at the end, and ``TQDM_DISABLE=1`` turns it off.
"""

from __future__ import annotations

import sys
import threading
import warnings
from contextvars import ContextVar
from multiprocessing import current_process
from types import TracebackType
from typing import Any, Self

_WATCHED: ContextVar[bool] = ContextVar("watched", default=False)


class ProgressBar:
    """A bar of so many steps; inside another one it stays silent, so that only the outermost work speaks.

    Parameters
    ----------
    title : str
    n_steps : int

    Examples
    --------
    >>> with ProgressBar("Learning", n_steps=2) as bar:
    ...     bar.at(0, "the past")
    ...     bar.at(1, "churn")
    """

    def __init__(self, title: str, n_steps: int) -> None:
        self.title, self.n_steps = title, n_steps
        self._bar: Any = None
        self._token: Any = None

    def __enter__(self) -> Self:
        bar = None if _WATCHED.get() or not somebody_watches() else _bar_class()
        self._token = _WATCHED.set(True)
        if bar is not None:
            self._bar = bar(total=self.n_steps, desc=self.title, leave=False)
        return self

    def at(self, n_done: int, doing: str) -> None:
        """So many steps are done; this one begins."""
        if self._bar is not None:
            self._bar.set_postfix_str(doing, refresh=False)
            self._bar.update(n_done - self._bar.n)
            self._bar.refresh()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _WATCHED.reset(self._token)
        if self._bar is not None:
            self._bar.close()


def somebody_watches() -> bool:
    """Whether the error stream is a terminal, or the code runs in a notebook's kernel; never from a worker, who
    is watched by the one that started it.
    """
    if threading.current_thread() is not threading.main_thread() or current_process().name != "MainProcess":
        return False
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    if running is not None and "IPKernelApp" in running.config:
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # no stream at all, or a closed one
        return False


def _bar_class() -> Any:
    """tqdm's bar for this place, or None where tqdm is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets it says so, and draws in text
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return None
    return tqdm
