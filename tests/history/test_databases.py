"""Histories from a database: a table by its address, or a query."""

from __future__ import annotations

import sqlite3

import pandas as pd
import pytest
from doors import orders

from clientcare.exceptions import InputError, SourceError
from clientcare.history import DatabaseQuery, Histories, read_histories


@pytest.fixture(params=["duckdb", "sqlite"])
def shop(request, tmp_path):
    """The address of a database that holds orders, and the orders."""
    table = orders(n_buyers=20, n_rows=60)
    file = tmp_path / "shop.db"
    if request.param == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        with duckdb.connect(file) as connection:
            connection.register("given", table)
            connection.execute("CREATE TABLE orders AS SELECT * FROM given")
    else:
        pytest.importorskip("sqlalchemy")
        with sqlite3.connect(file) as connection:
            table.to_sql("orders", connection, index=False)
    return f"{request.param}:///{file}", table


def test_a_table_of_a_database_is_read_by_its_address(shop):
    address, table = shop
    read = read_histories(f"{address}#orders")
    pd.testing.assert_frame_equal(read.transactions, Histories(table).transactions)


def test_a_query_is_asked(shop):
    address, table = shop
    query = DatabaseQuery(address, "SELECT buyer_id, timestamp, amount FROM orders WHERE amount > 30")
    read = read_histories(query)
    assert read.rows.loc["transactions", "rows_in"] == (table["amount"] > 30).sum()


def test_a_table_that_is_not_there_is_a_source_that_cannot_be_read(shop):
    with pytest.raises(SourceError, match="did not answer"):
        read_histories(f"{shop[0]}#nowhere")


def test_an_address_names_its_table():
    with pytest.raises(InputError, match="ends in '#table'"):
        read_histories("postgresql://host/shop")
