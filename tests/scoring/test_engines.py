"""Spark and Dask make the book and the features that one machine makes."""

import os
import shutil
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from small_firm import AS_OF, firm, plain

from clientcare.exceptions import InputError, OptionError
from clientcare.features import feature_table
from clientcare.history import Histories
from clientcare.scoring import partition, score_partition


@pytest.fixture(scope="module")
def large():
    """More than 200,000 transactions, with contacts and contracts."""
    return firm(22_400, seed=11)


def same(left, right):
    pd.testing.assert_frame_equal(plain(left), plain(right), check_exact=False, rtol=0, atol=1e-9)


@pytest.fixture(scope="module")
def spark():
    pyspark = pytest.importorskip("pyspark", reason="the extra 'spark' is not installed")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java")
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    session = (
        pyspark.sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.session.timeZone", "America/New_York")
        .config("spark.sql.timestampType", "TIMESTAMP_NTZ")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def to_spark(spark, tables):
    return {
        name: spark.createDataFrame(
            pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
        )
        for name, table in tables.items()
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
class TestSpark:
    def test_scores_are_those_of_one_machine(self, spark, model, large):
        from clientcare import spark as cs

        found = cs.score(model, **to_spark(spark, large), as_of=AS_OF).toArrow().to_pandas()
        same(found.set_index("buyer_id"), model.score(Histories(**large), as_of=AS_OF))

    def test_features_are_those_of_one_machine(self, spark, large):
        from clientcare import spark as cs

        families = ["timing", "rhythm", "spend", "windows", "season", "breadth", "contact", "contract"]
        expected = feature_table(Histories(**large), AS_OF, families=families)
        found = cs.features(**to_spark(spark, large), as_of=AS_OF, families=families).toArrow().to_pandas()
        found = found.set_index("buyer_id").sort_index()
        assert list(found.columns) == list(expected.columns)
        np.testing.assert_allclose(found.to_numpy(float), expected.to_numpy(float), rtol=1e-9, atol=1e-9)
        assert found.index.tolist() == expected.index.tolist()

    def test_ids_of_two_kinds_and_foreign_names(self, spark, model, tables):
        from clientcare import spark as cs

        mixed = {**tables, "contracts": tables["contracts"].astype({"buyer_id": str})}
        mixed["transactions"] = mixed["transactions"].rename(columns={"buyer_id": "Customer `ID. x"})
        columns = {"transactions": {"Customer `ID. x": "buyer_id"}}
        found = cs.score(model, **to_spark(spark, mixed), as_of=AS_OF, columns=columns).toArrow().to_pandas()
        same(found.set_index("buyer_id"), model.score(Histories(**mixed, columns=columns), as_of=AS_OF))

    def test_moments_of_the_sessions_zone_fall_on_the_day_its_clock_shows(self, spark):
        from clientcare import spark as cs

        rows = spark.sql(
            "SELECT 'ann' AS buyer_id, CAST(at AS TIMESTAMP_LTZ) AS timestamp, CAST(2.5 AS DECIMAL(9,2)) AS amount "
            "FROM VALUES (TIMESTAMP_LTZ '2022-01-01 04:30:00 UTC'), (TIMESTAMP_LTZ '2022-01-01 05:30:00 UTC') AS t(at)"
        )
        found = cs.features(rows, as_of="2022-01-03").toArrow().to_pandas()
        assert found["n_purchases"].tolist() == [2.0] and found["total_spent"].tolist() == [5.0]
        assert found["days_since_first_purchase"].tolist() == [3.0]

    def test_a_sample_holds_whole_buyers(self, spark, tables):
        from clientcare import spark as cs

        some = cs.sample_histories(**to_spark(spark, tables), share=0.4)
        everyone = Histories(**tables)
        assert 0.2 < len(some.buyer_ids) / len(everyone.buyer_ids) < 0.6
        pd.testing.assert_frame_equal(
            some.transactions.reset_index(drop=True),
            everyone.transactions[everyone.transactions["buyer_id"].isin(some.buyer_ids)].reset_index(drop=True),
            check_dtype=False, check_categorical=False,
        )  # fmt: skip
        with pytest.raises(OptionError, match="share"):
            cs.sample_histories(**to_spark(spark, tables), share=1.5)

    def test_no_table_is_refused(self, model):
        from clientcare import spark as cs

        with pytest.raises(InputError, match="no table"):
            cs.score(model, as_of=AS_OF)


@pytest.mark.filterwarnings("default")
def test_the_two_functions_on_dask(model, large):
    """The example of the guide: a shuffle by part, then score_partition for each."""
    dask = pytest.importorskip("dask", reason="the extra 'dask' is not installed")
    frames = pytest.importorskip("dask.dataframe", reason="the extra 'dask' is not installed")
    n_parts = 4

    def split(table):
        lazy = frames.from_pandas(table, npartitions=3)
        numbered = lazy.map_partitions(lambda rows: rows.assign(part=partition(rows["buyer_id"], n_parts)))
        return [
            numbered[numbered["part"] == part].drop(columns="part").to_delayed() for part in range(n_parts)
        ]

    together = dask.delayed(lambda pieces: pd.concat(pieces, ignore_index=True))
    pieces = {name: [together(part) for part in split(table)] for name, table in large.items()}
    books = [
        dask.delayed(score_partition)(
            model, **{name: parts[part] for name, parts in pieces.items()}, as_of=AS_OF
        )
        for part in range(n_parts)
    ]
    found = pd.concat(dask.compute(*books, scheduler="threads"))
    same(found, model.score(Histories(**large), as_of=AS_OF))
