"""A person who watches sees how far the work is; a pipeline sees nothing."""

import io
import sys
import threading
from contextlib import redirect_stderr

import pandas as pd
import pytest

import clientcare as cc
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


def test_a_worker_says_nothing_whatever_its_stream_is(terminal):
    """Else each worker of a job would draw a bar of its own over the others."""
    with redirect_stderr(terminal):
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    assert terminal.getvalue() == ""


def book_of(shop):
    return pd.DataFrame({"churn_risk": 0.5}, index=shop.buyer_ids)


@pytest.mark.parametrize(
    ("long_work", "title"),
    [
        (lambda shop, folder: cc.read_histories(folder / "orders.csv"), "Reading"),
        (lambda shop, folder: cc.feature_table(shop, as_of=["2023-10-01", "2024-01-01"]), "Features"),
        (lambda shop, folder: cc.RelationshipModel(horizon="60D", effort="quick").fit(shop), "Learning"),
        (lambda shop, folder: cc.care_plan(book_of(shop), shop, "2024-01-01"), "Care plan"),
    ],
)
def test_long_work_shows_how_far_it_is(long_work, title, terminal, tmp_path):
    shop = cc.datasets.simulate_histories("retailer", n_buyers=60, random_state=0).histories
    shop.transactions.to_csv(tmp_path / "orders.csv", index=False)
    with redirect_stderr(terminal):
        long_work(shop, tmp_path)
    assert title in terminal.getvalue()
