"""The pyfunc holds the model file, says what it takes, and gives the book of memory."""

import pandas as pd
import pytest
from small_firm import AS_OF

from clientcare.exceptions import OptionError
from clientcare.history import Histories
from clientcare.model import RelationshipModel

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def orders_model(tables):
    orders = {"transactions": tables["transactions"].astype({"buyer_id": str})}
    fitted = RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(
        Histories(**orders), as_of=AS_OF
    )
    return fitted, orders["transactions"]


def test_a_pyfunc_gives_the_book_of_memory(orders_model, tmp_path):
    mlflow = pytest.importorskip("mlflow.pyfunc", reason="the extra 'mlflow' is not installed")
    from clientcare.scoring.mlflow import save_pyfunc

    model, orders = orders_model
    save_pyfunc(model, tmp_path / "pyfunc")
    assert not list((tmp_path / "pyfunc").rglob("*.pkl"))
    assert list((tmp_path / "pyfunc").rglob("model.clientcare"))
    loaded = mlflow.load_model(str(tmp_path / "pyfunc"))
    assert loaded.metadata.signature is not None and "as_of" in str(loaded.metadata.signature.params)
    found = loaded.predict(orders, params={"as_of": AS_OF}).set_index("buyer_id")
    expected = model.score(Histories(orders), as_of=AS_OF)
    pd.testing.assert_series_equal(found["churn_risk"], expected["churn_risk"], check_index_type=False)
    with pytest.raises(OptionError, match="there already"):
        save_pyfunc(model, tmp_path / "pyfunc")


def test_rows_of_several_tables_are_told_apart(tables):
    pytest.importorskip("mlflow.pyfunc", reason="the extra 'mlflow' is not installed")
    from clientcare.scoring.mlflow_entry import tables_of

    contracts = tables["contracts"].rename(columns={"start": "timestamp"})
    rows = pd.concat(
        [tables["transactions"].assign(table="transactions"), contracts.assign(table="contracts")]
    )
    found = tables_of(rows)
    assert set(found) == {"transactions", "contracts"}
    assert "start" in found["contracts"] and "category" not in found["contracts"]
    assert "end" not in found["transactions"]
