"""A process that runs batch jobs in children and lets them die at a named step, at a moment, or of a full disk.

Reads one JSON order a line, answers with the child's fate. Children are forked before any thread is started
here, so that a hundred deaths take seconds.
"""

import errno
import json
import os
import resource
import signal
import sys
import time

import duckdb  # noqa: F401
import numpy as np
import pandas as pd

from clientcare.durable import faults
from clientcare.exceptions import OutputLockedError, SourceError
from clientcare.scoring import score_dataset


class CountingModel:
    """Stands in for a model where only the files matter: counts each buyer's rows."""

    def __init__(self, model_id="counting"):
        self.model_id_ = model_id

    def score(self, histories, as_of):
        orders = histories.until(as_of).transactions
        counts = orders.groupby("buyer_id").size()
        book = pd.DataFrame(
            {"churn_risk": 1.0 / (1.0 + counts), "stage": "repeat customer", "model_id": self.model_id_}
        )
        book["as_of"] = pd.Timestamp(as_of)
        return book.rename_axis("buyer_id")


def orders(n_rows=600, seed=0):
    rng = np.random.default_rng(seed)
    when = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D")
    return pd.DataFrame(
        {"buyer_id": rng.integers(0, 90, n_rows), "timestamp": when, "amount": rng.random(n_rows)}
    )


def run(order):
    job = {"as_of": "2022-12-01", "n_partitions": 4}
    return score_dataset(CountingModel(order["model"]), transactions=order["source"], out=order["out"], **job)


def dying_at(step, occurrence):
    seen = {"n": 0}

    def on_step(reached):
        if reached == step:
            seen["n"] += 1
            if seen["n"] == occurrence:
                os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def dying_at_removal(number):
    """The process ends just before it removes its n-th file."""
    remove, removed = os.unlink, [0]

    def unlink(*args, **kwargs):
        removed[0] += 1
        if removed[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        remove(*args, **kwargs)

    os.unlink = unlink


def child(order):
    if "removal" in order:
        dying_at_removal(order["removal"])
    if "file_limit" in order:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_limit"], order["file_limit"]))
    if "after" in order:
        time.sleep(order["after"])
    try:
        with faults(dying_at(order.get("step"), order.get("occurrence", 1))):
            run(order)
    except OutputLockedError:
        os._exit(7)
    except SourceError as refused:
        cause = refused.__cause__
        os._exit(
            8 if not isinstance(cause, OSError) or cause.errno in (errno.EFBIG, errno.ENOSPC, None) else 9
        )
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(10)
    os._exit(0)


def kill_unless_done(pid, moment):
    """Kill a child at a moment; one that ends before is left to be asked for its fate."""
    while time.monotonic() < moment:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)


def fate(pid):
    _, status = os.waitpid(pid, 0)
    return "killed" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def main():
    for line in sys.stdin:
        pids = []
        for order in json.loads(line):
            pid = os.fork()
            if pid == 0:
                child(order)
            pids.append(pid)
            if "kill_after" in order:
                kill_unless_done(pid, time.monotonic() + order["kill_after"])
        print(json.dumps([fate(pid) for pid in pids]), flush=True)


if __name__ == "__main__":
    main()
