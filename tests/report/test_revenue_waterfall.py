"""The bridge of money ends where the closing is."""

import os
from pathlib import Path

import pandas as pd
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib.testing.compare import compare_images  # noqa: E402

import clientcare as cc  # noqa: E402
from clientcare.report import RevenueWaterfallDisplay  # noqa: E402

PICTURES, TOLERANCE = Path(__file__).parent / "pictures", 12.0


def test_the_last_step_ends_at_the_closing_and_looks_as_before(tmp_path):
    contracts = pd.DataFrame(
        {
            "buyer_id": ["a", "b", "b", "c"],
            "start": ["2020-01-01", "2020-01-01", "2023-03-01", "2023-02-01"],
            "end": ["2023-04-10", "2023-02-28", None, None],
            "amount": [100.0, 50.0, 80.0, 20.0],
        }
    )
    histories = cc.Histories(contracts=contracts, observed_from="2023-01-01", observed_until="2023-07-01")
    shown = RevenueWaterfallDisplay.from_histories(histories)
    assert shown.steps.iloc[:-1].sum() == shown.steps["closing"] == 100.0
    bars = shown.ax_.patches
    assert bars[-2].get_y() + bars[-2].get_height() == pytest.approx(bars[-1].get_height())
    assert shown.ax_.get_title(loc="left") and shown.ax_.get_ylabel()
    kept, drawn = PICTURES / "revenue_waterfall.png", tmp_path / "revenue_waterfall.png"
    shown.figure_.savefig(drawn, dpi=50)
    if os.environ.get("CLIENTCARE_REDRAW"):
        kept.write_bytes(drawn.read_bytes())
    assert compare_images(str(kept), str(drawn), TOLERANCE) is None
    matplotlib.pyplot.close(shown.figure_)
