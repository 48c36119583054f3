"""A small firm with all four tables, and a model fitted to it once."""

import pytest
from small_firm import AS_OF, firm

from clientcare.history import Histories
from clientcare.model import RelationshipModel


@pytest.fixture(scope="session")
def tables():
    return firm()


@pytest.fixture(scope="session")
def model(tables):
    return RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(
        Histories(**tables), as_of=AS_OF
    )


@pytest.fixture(scope="session")
def book(model, tables):
    """What the model says in memory."""
    return model.score(Histories(**tables), as_of=AS_OF)


@pytest.fixture
def files(tables, tmp_path):
    """The tables as files, orders in two."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "orders").mkdir()
    orders = tables["transactions"]
    orders.iloc[::2].to_parquet(folder / "orders" / "a.parquet", index=False)
    orders.iloc[1::2].to_parquet(folder / "orders" / "b.parquet", index=False)
    tables["interactions"].to_csv(folder / "contacts.csv", index=False)
    tables["contracts"].to_parquet(folder / "contracts.parquet", index=False)
    return {
        "transactions": folder / "orders",
        "interactions": tables["interactions"],
        "contracts": folder / "contracts.parquet",
    }
