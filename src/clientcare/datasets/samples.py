"""Two small samples that come with the package: a retailer and a service firm, both simulated."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from clientcare.exceptions import SourceError
from clientcare.history.histories import Histories

_MOMENTS = ("timestamp", "start", "end", "cancelled_at", "answered_at", "closed_at")
_RETAILER_STRETCH = ("2022-01-01", "2024-07-01")
_SERVICE_FIRM_STRETCH = ("2022-01-01", "2024-07-01")


def load_retailer() -> Histories:
    """A shop with 1,200 buyers over two and a half years: transactions, interactions, buyers.

    Simulated; a few rows are wrong on purpose (no buyer, exact copies, no amount), so that ``.quality`` has
    something to show. Observed from 2022-01-01 until 2024-07-01.

    Returns
    -------
    Histories

    Examples
    --------
    >>> histories = load_retailer()
    >>> histories.observed_until
    Timestamp('2024-07-01 00:00:00')
    """
    return _load("retailer", _RETAILER_STRETCH)


def load_service_firm() -> Histories:
    """A firm with contracts, check-ins, messages and tickets of 200 buyers over two and a half years.

    Simulated. Observed from 2022-01-01 until 2024-07-01.

    Returns
    -------
    Histories

    Examples
    --------
    >>> len(load_service_firm().buyer_ids)
    200
    """
    return _load("service_firm", _SERVICE_FIRM_STRETCH)


def sample_folder() -> Path:
    """Where the samples lie: inside an installed package, or in ``data/samples`` of a checkout.

    Raises
    ------
    SourceError
        Where neither is there.
    """
    installed = Path(str(files("clientcare.datasets"))) / "data"
    checkout = Path(__file__).resolve().parents[3] / "data" / "samples"
    for folder in (installed, checkout):
        if (folder / "retailer_transactions.csv").is_file():
            return folder
    raise SourceError(
        "samples: the sample files are not beside the package. Install clientcare from a wheel, or make "
        "them: python data/samples/make_samples.py."
    )


def _load(sample: str, stretch: tuple[str, str]) -> Histories:
    tables: dict[str, Any] = {}
    for table in ("transactions", "interactions", "contracts", "buyers"):
        path = sample_folder() / f"{sample}_{table}.csv"
        if path.is_file():
            tables[table] = _read(path)
    return Histories(**tables, observed_from=stretch[0], observed_until=stretch[1])


def _read(path: Path) -> pd.DataFrame:
    """Ids and texts stay text, moments become moments, the rest are numbers."""
    header = pd.read_csv(path, nrows=0).columns
    texts = [name for name in header if name.endswith("_id") or name == "referred_by"]
    moments = [name for name in header if name in _MOMENTS]
    dtypes = dict.fromkeys(texts, str)
    return pd.read_csv(path, dtype=dtypes, parse_dates=moments, date_format="ISO8601")
