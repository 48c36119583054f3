"""Histories that the model's tests share."""

from __future__ import annotations

import pytest
from model_shops import firm_tables, histories_of, shop_tables


@pytest.fixture(scope="session")
def shop():
    return histories_of(shop_tables())


@pytest.fixture(scope="session")
def shop_with_contacts():
    return histories_of(shop_tables(seed=1, with_contacts=True))


@pytest.fixture(scope="session")
def firm():
    return histories_of(firm_tables())
