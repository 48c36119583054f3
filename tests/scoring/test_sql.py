"""Databases in and out, and the reduction they can do themselves: the same book, the same features."""

import os

import duckdb
import numpy as np
import pandas as pd
import pytest
from crash_worker import CountingModel
from small_firm import AS_OF, firm, plain

from clientcare.book import MOMENTS
from clientcare.durable import faults
from clientcare.exceptions import InputError, OptionError, OutputLockedError, SchemaError, SourceError
from clientcare.features import feature_table
from clientcare.history import Histories
from clientcare.scoring import DatabaseQuery, DatabaseTable, day_query, expand_days, read_book, score_dataset

sqlalchemy = pytest.importorskip("sqlalchemy", reason="the extra 'sql' is not installed")
POSTGRES = os.environ.get("CLIENTCARE_POSTGRES", "")
postgres = pytest.mark.skipif(not POSTGRES, reason="set CLIENTCARE_POSTGRES=$(.ci/start-postgres.sh)")


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL database of our own on the server given, gone after the tests."""
    url = sqlalchemy.make_url(POSTGRES)
    name = f"clientcare_tests_{os.getpid()}"
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres)])
def address(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"
    server = request.getfixturevalue("server")
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("DROP SCHEMA public CASCADE"))
        connection.execute(sqlalchemy.text("CREATE SCHEMA public"))
    engine.dispose()
    return server


def fill(address, tables):
    engine = sqlalchemy.create_engine(address)
    for name, table in tables.items():
        table.to_sql(name, engine, index=False, chunksize=5000)
    engine.dispose()


def rows_of(address, query):
    engine = sqlalchemy.create_engine(address)
    with engine.connect() as connection:
        result = connection.execute(sqlalchemy.text(query))
        found = pd.DataFrame(result.fetchall(), columns=list(result.keys()))
    engine.dispose()
    return found


def same(left, right):
    left, right = plain(left), plain(right)
    for name in left.columns.intersection(MOMENTS):
        left[name] = pd.to_datetime(left[name]).astype("datetime64[us]")
    pd.testing.assert_frame_equal(left, right, check_exact=False, rtol=1e-12, atol=0, check_dtype=False)


def test_a_database_in_and_out_gives_the_book_of_memory(model, tables, book, address):
    fill(address, tables)
    sources = {name: DatabaseQuery(address, f"SELECT * FROM {name}", chunk_rows=100) for name in tables}
    result = score_dataset(model, **sources, out=f"{address}#book", as_of=AS_OF, n_partitions=3)
    assert result.n_buyers == len(book)
    found = rows_of(address, "SELECT * FROM book").astype({"expected_spend": float, "overdue_ratio": float})
    same(found.set_index("buyer_id"), book)
    manifest = rows_of(address, "SELECT * FROM clientcare_manifests")
    assert manifest["book"].tolist() == ["book"] and model.model_id_ in manifest["manifest"][0]


@postgres
def test_postgresql_takes_a_book_by_copy_and_says_what_it_cannot_hold(tables, server):
    engine, statements = sqlalchemy.create_engine(server), []
    sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    job = {"out": DatabaseTable(engine, "copied book"), "as_of": AS_OF, "n_partitions": 3}
    expected = score_dataset(CountingModel(), transactions=tables["transactions"], **job)
    assert len(rows_of(server, 'SELECT * FROM "copied book"')) == expected.n_buyers
    assert not [text for text in statements if text.startswith('INSERT INTO "copied book"')]
    nul = tables["transactions"].assign(buyer_id="a\0b")
    with pytest.raises(SourceError, match="NUL"):
        score_dataset(CountingModel(), transactions=nul, **job)
    assert len(rows_of(server, 'SELECT * FROM "copied book"')) == expected.n_buyers
    engine.dispose()


def test_the_table_is_the_old_one_until_all_new_rows_are_there(tables, address):
    table = tables["transactions"]
    out = DatabaseTable(address, "book")
    score_dataset(CountingModel("old"), transactions=table, out=out, as_of=AS_OF, n_partitions=3)
    before = rows_of(address, "SELECT * FROM book ORDER BY buyer_id")
    seen = []

    def fail(step):
        seen.append(step)
        if step == "output: on disk":
            raise OSError(5, "Input/output error")

    with pytest.raises(SourceError, match="Input/output"), faults(fail):
        score_dataset(CountingModel("new"), transactions=table, out=out, as_of=AS_OF, n_partitions=3)
    assert seen.count("output: part inserted") == 3
    pd.testing.assert_frame_equal(rows_of(address, "SELECT * FROM book ORDER BY buyer_id"), before)
    result = score_dataset(CountingModel("new"), transactions=table, out=out, as_of=AS_OF, n_partitions=3)
    assert result.n_resumed == 3
    after = rows_of(address, "SELECT * FROM book ORDER BY buyer_id")
    assert set(after["model_id"]) == {"new"} and len(after) == len(before)


def test_hostile_ids_and_names_go_through_a_database_unchanged(address):
    ids = [
        "'; DROP TABLE book; --",
        "=1+1",
        "<script>",
        'a"b',
        "\\n1",
        "\\",
        "tab\there",
        "line\nbreak",
        "ü🙂",
        "x" * 10_000,
        "NULLA",
    ]
    orders = pd.DataFrame({"buyer_id": ids, "timestamp": pd.Timestamp("2022-01-01"), "amount": 1.0})
    fill(address, {'or"ders; --': orders})
    out = DatabaseTable(address, 'bo"ok; DROP TABLE x; --')
    score_dataset(CountingModel(), transactions=f'{address}#or"ders; --', out=out, as_of=AS_OF)
    found = rows_of(address, 'SELECT buyer_id FROM "bo""ok; DROP TABLE x; --"')
    assert sorted(found["buyer_id"]) == sorted(ids)


def test_a_table_that_is_no_book_is_not_replaced(tables, address):
    fill(address, {"people": pd.DataFrame({"name": ["ann"]})})
    with pytest.raises(SchemaError, match="is no book"):
        score_dataset(
            CountingModel(), transactions=tables["transactions"], out=f"{address}#people", as_of=AS_OF
        )
    assert rows_of(address, "SELECT * FROM people")["name"].tolist() == ["ann"]


def test_what_a_database_refuses_is_told_without_statement_or_address(tables, address, tmp_path):
    with pytest.raises(SourceError) as caught:
        score_dataset(
            CountingModel(),
            transactions=DatabaseQuery(address, "SELECT secret FROM nowhere"),
            out=tmp_path / "b",
            as_of=AS_OF,
        )
    assert "secret" not in str(caught.value) and address not in str(caught.value)
    assert caught.value.__cause__ is None
    assert address not in repr(DatabaseQuery(address, "SELECT 1")) + repr(DatabaseTable(address, "book"))


def test_a_column_that_changes_its_type_half_way_is_named(tmp_path):
    address = f"sqlite:///{tmp_path}/s.db"
    fill(address, {"orders": pd.DataFrame({"buyer_id": range(20), "timestamp": "2022-01-01", "amount": 1.0})})
    query = "SELECT buyer_id, timestamp, CASE WHEN buyer_id < 10 THEN 1.5 ELSE 'a' END AS amount FROM orders"
    with pytest.raises(SchemaError, match=r"'amount': changes its type half-way"):
        score_dataset(
            CountingModel(),
            transactions=DatabaseQuery(address, query, chunk_rows=10),
            out=tmp_path / "b",
            as_of=AS_OF,
        )


def test_rows_changed_in_the_database_are_not_mixed_with_work_done_before(tables, address, tmp_path):
    fill(address, {"transactions": tables["transactions"]})
    job = {
        "transactions": f"{address}#transactions",
        "out": tmp_path / "book",
        "as_of": AS_OF,
        "n_partitions": 4,
    }

    def stop(step):
        if step == "output: begun":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), faults(stop):
        score_dataset(CountingModel(), **job)
    assert score_dataset(CountingModel(), **job).n_resumed == 4
    with pytest.raises(KeyboardInterrupt), faults(stop):
        score_dataset(CountingModel(), **job)
    engine = sqlalchemy.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM transactions WHERE buyer_id = 1000"))
    engine.dispose()
    result = score_dataset(CountingModel(), **job)
    assert result.n_resumed == 0 and 1000 not in read_book(tmp_path / "book").index


def test_an_address_without_a_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="#table"):
        score_dataset(
            CountingModel(), transactions=f"sqlite:///{tmp_path}/s.db", out=tmp_path / "b", as_of=AS_OF
        )
    with pytest.raises(OptionError, match="#table"):
        score_dataset(CountingModel(), transactions=pd.DataFrame({"buyer_id": [1], "timestamp": ["2022-01-01"]}),
                      out=f"sqlite:///{tmp_path}/s.db", as_of=AS_OF)  # fmt: skip


@postgres
def test_a_second_job_on_another_machine_is_refused(tables, server):
    """The lock file is of this machine; the database keeps the others out."""
    engine = sqlalchemy.create_engine(server)
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text("SELECT pg_advisory_xact_lock(hashtext('clientcare'), hashtext('None.locked'))")
        )
        with pytest.raises(OutputLockedError):
            score_dataset(
                CountingModel(), transactions=tables["transactions"], out=f"{server}#locked", as_of=AS_OF
            )
    engine.dispose()


@postgres
def test_postgres_over_adbc_gives_the_same_book(model, tables, book, tmp_path, server):
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="the ADBC driver is not installed")
    fill_again = {f"adbc_{name}": table for name, table in tables.items()}
    engine = sqlalchemy.create_engine(server)
    for name, table in fill_again.items():
        table.to_sql(name, engine, index=False, if_exists="replace")
    engine.dispose()
    with dbapi.connect(server.replace("+psycopg", "")) as connection:
        sources = {name: DatabaseQuery(connection, f"SELECT * FROM adbc_{name}") for name in tables}
        score_dataset(model, **sources, out=tmp_path / "book", as_of=AS_OF, n_partitions=3)
    same(read_book(tmp_path / "book"), book)


@pytest.fixture
def lines():
    """Transactions with lines of one day, returns, zero and unknown amounts, and exact copies."""
    rng = np.random.default_rng(3)
    orders = firm(80, seed=3)["transactions"]
    orders["timestamp"] = orders["timestamp"].dt.floor("D") + pd.to_timedelta(
        rng.integers(0, 86_400, len(orders)), unit="s"
    )
    again = orders.sample(400, random_state=1).assign(amount=rng.choice([3.25, -2.5, 0.0, np.nan, 8.0], 400))
    orders = pd.concat([orders, again, orders.head(7)], ignore_index=True)
    orders["quantity"] = rng.integers(1, 5, len(orders)).astype(float)
    orders["quantity"] = orders.groupby(["buyer_id", "timestamp", "amount", "category"], dropna=False)[
        "quantity"
    ].transform("first")
    return orders


COLUMNS = {
    "buyer_id": "buyer_id",
    "timestamp": "timestamp",
    "amount": "amount",
    "quantity": "quantity",
    "category": "category",
}


def by_day(engine_name, lines, tmp_path, server=None, **options):
    query = day_query("orders", COLUMNS, dialect=engine_name, **options)
    if engine_name == "duckdb":
        with duckdb.connect(str(tmp_path / "shop.db")) as connection:
            connection.register("given", lines)
            connection.execute("CREATE TABLE orders AS SELECT * FROM given")
            return connection.execute(query).df()
    engine = sqlalchemy.create_engine(server)
    lines.to_sql("orders", engine, index=False, if_exists="replace")
    engine.dispose()
    return rows_of(server, query)


@pytest.mark.parametrize("engine_name", ["duckdb", pytest.param("postgresql", marks=postgres)])
def test_features_of_day_level_rows_are_those_of_the_lines(engine_name, lines, tmp_path, request):
    server = request.getfixturevalue("server") if engine_name == "postgresql" else None
    rows = by_day(engine_name, lines, tmp_path, server, as_of=AS_OF)
    assert len(rows) < len(lines)
    expected = feature_table(Histories(lines), AS_OF)
    found = feature_table(Histories(expand_days(rows), exact_copies="keep"), AS_OF)
    assert list(found.columns) == list(expected.columns) and len(found.columns) >= 50
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-9, atol=1e-9)


def test_day_level_rows_are_a_source_of_a_batch_job(lines, tmp_path):
    by_day("duckdb", lines, tmp_path)
    query = DatabaseQuery(f"duckdb:///{tmp_path}/shop.db", day_query("orders", COLUMNS, exact_copies="keep"))
    score_dataset(CountingModel(), transactions=query, out=tmp_path / "book", as_of=AS_OF, n_partitions=3)
    counted = lines[(lines["timestamp"] < AS_OF) & (lines["amount"] != 0)].groupby("buyer_id").size()
    found = read_book(tmp_path / "book")["churn_risk"].sort_index()
    np.testing.assert_allclose(found, 1 / (1 + counted.sort_index()))


def test_a_day_is_a_day_on_the_sellers_clock(tmp_path):
    moments = pd.to_datetime(["2022-01-01 04:30", "2022-01-01 05:30"]).tz_localize("UTC")
    rows = pd.DataFrame({"buyer_id": 1, "timestamp": moments, "amount": 1.0})
    query = day_query(
        "rows",
        {"buyer_id": "buyer_id", "timestamp": "timestamp"},
        timezone="America/New_York",
        as_of="2022-01-02",
    )
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        days = connection.execute(query).df()["timestamp"]
    assert sorted(days.dt.strftime("%Y-%m-%d")) == ["2021-12-31", "2022-01-01"]


def test_names_in_the_generated_sql_are_quoted():
    evil = 'a" , (SELECT 1) --'
    query = day_query(evil, {evil: "buyer_id", "t": "timestamp", 'c"': "category"})
    assert '"a"" , (SELECT 1) --"' in query and '"c""" AS category' in query
    with pytest.raises(OptionError, match="time of day"):
        day_query("x", {"b": "buyer_id", "t": "timestamp"}, as_of="2022-01-01 12:00")
    with pytest.raises(OptionError, match="dialect"):
        day_query("x", {"b": "buyer_id", "t": "timestamp"}, dialect="oracle")
    with pytest.raises(SchemaError, match="timestamp"):
        day_query("x", {"b": "buyer_id"})
