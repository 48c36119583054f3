"""A person who watches sees how far the work is; a pipeline sees nothing."""

import io
import sys
from contextlib import redirect_stderr

import pytest

from clientcare.progress import ProgressBar, somebody_watches


class Terminal(io.StringIO):
    """A stream that says a person looks at it."""

    def isatty(self):
        return True


@pytest.fixture
def terminal():
    pytest.importorskip("tqdm")
    return Terminal()


def work(title="Learning"):
    with ProgressBar(title, n_steps=2) as bar:
        bar.at(0, "past dates")
        bar.at(1, "churn")


def test_a_terminal_sees_what_is_being_done(terminal):
    with redirect_stderr(terminal):
        work()
    assert "Learning" in terminal.getvalue()
    assert "churn" in terminal.getvalue()


def test_a_pipeline_sees_nothing(capfd):
    work()
    assert capfd.readouterr() == ("", "")


def test_work_inside_other_work_stays_silent(terminal):
    with redirect_stderr(terminal), ProgressBar("Backtest", n_steps=1) as bar:
        bar.at(0, "as of 2024-01-01")
        work("Learning")
    assert "Backtest" in terminal.getvalue()
    assert "Learning" not in terminal.getvalue()


def test_work_that_fails_lets_the_next_one_speak(terminal):
    with pytest.raises(KeyError), ProgressBar("Backtest", n_steps=1):
        raise KeyError
    with redirect_stderr(terminal):
        work()
    assert "Learning" in terminal.getvalue()


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_no_stream_or_a_file_is_nobody(stream):
    with redirect_stderr(stream):
        assert not somebody_watches()


def test_without_tqdm_the_work_is_done_all_the_same(terminal, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with redirect_stderr(terminal):
        work()
    assert terminal.getvalue() == ""
