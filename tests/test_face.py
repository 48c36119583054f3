"""The public names, and what importing them costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import clientcare as cc


@pytest.mark.parametrize("name", [name for name in cc.__all__ if name != "__version__"])
def test_every_public_name_is_there(name):
    assert getattr(cc, name) is not None


@pytest.mark.parametrize("name", cc.__all__)
def test_every_public_name_is_listed(name):
    assert name in dir(cc)


def test_nothing_but_the_public_names_is_listed():
    assert dir(cc) == sorted(cc.__all__)


def test_type_checkers_see_every_public_name():
    """The names are loaded on use; editors and type checkers read them off the face all the same."""
    tree = ast.parse(Path(cc.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for statement in block.body for alias in statement.names}
    assert seen == set(cc.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = cc.nonsense


def test_importing_the_face_loads_no_heavy_library():
    """scikit-learn, scipy, matplotlib and DuckDB are imported on use."""
    code = (
        "import sys, clientcare\n"
        "heavy = [m for m in ('sklearn', 'scipy', 'matplotlib', 'duckdb', 'jinja2', 'pyspark') if m in sys.modules]\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "name",
    ["Histories", "read_histories", "feature_table", "ChurnDefinition", "RelationshipModel", "backtest"],
)
def test_every_public_name_has_a_docstring_with_an_example(name):
    assert ">>>" in (getattr(cc, name).__doc__ or ""), name


HORIZON = cc.ClientDefinition("60D")


@pytest.mark.parametrize(
    "ask",
    [
        lambda orders: cc.feature_table(orders, "2024-01-01"),
        lambda orders: cc.suggest_horizon(orders),
        lambda orders: HORIZON.label(orders, "2024-01-01"),
        lambda orders: cc.RelationshipModel().fit(orders),
        lambda orders: cc.backtest(cc.RelationshipModel(), orders),
        lambda orders: cc.care_report(orders, "2024-01-01"),
        lambda orders: cc.write_report(cc.RelationshipModel(), orders, "book.html"),
        lambda orders: cc.btyd.purchase_summary(orders, "2024-01-01"),
    ],
)
def test_a_table_in_place_of_histories_is_sent_to_the_door(ask):
    with pytest.raises(cc.exceptions.InputError, match="Histories"):
        ask(pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2024-01-01"]}))


def test_one_buyer_is_not_enough_to_learn_from():
    days = pd.date_range("2023-01-01", periods=30, freq="9D")
    alone = cc.Histories(pd.DataFrame({"buyer_id": "a", "timestamp": days, "amount": 5.0}))
    with pytest.raises(cc.exceptions.NotEnoughDataError, match="only one buyer is known"):
        cc.RelationshipModel(horizon="30D", effort="quick").fit(alone)


@pytest.mark.parametrize("ids", [list("abcdefgh"), list(range(8))])
def test_one_buyer_is_explained_by_an_id_alone(ids):
    days = pd.date_range("2023-01-01", periods=30, freq="9D")
    orders = pd.DataFrame([(buyer, day) for buyer in ids for day in days], columns=["buyer_id", "timestamp"])
    histories = cc.Histories(orders)
    model = cc.RelationshipModel(horizon="30D", effort="quick").fit(histories)
    first = model.score(histories).index[0]
    assert model.explain(histories, buyers=first).churn.index.tolist() == [first]
    assert histories.select(first).buyer_ids.tolist() == [first]


def test_a_model_says_what_it_was_learned_for_from_when_and_from_how_many(tmp_path):
    histories = cc.datasets.simulate_histories("retailer", n_buyers=60, random_state=0).histories
    model = cc.RelationshipModel(horizon="60D", effort="quick")
    assert repr(model) == "RelationshipModel(effort='quick', horizon='60D', random_state=0), not fitted"
    model.fit(histories, as_of="2023-06-01").save(tmp_path / "m.clientcare")
    n_buyers = len(model.score(histories, "2023-06-01"))
    assert f"churn within 60 days, clients over 180; learned as of 2023-06-01 from {n_buyers} buyers" in repr(
        model
    )
    assert model.model_id_ in repr(model)
    assert repr(cc.load_model(tmp_path / "m.clientcare")) == repr(model)
    assert model.card()["n_buyers"] == model.n_buyers_ == n_buyers


def test_a_probability_model_says_what_it_found():
    shop = cc.datasets.simulate_histories("retailer", n_buyers=200, random_state=0).histories
    fitted = cc.btyd.BGNBD().fit(cc.btyd.purchase_summary(shop, "2024-01-01"))
    r = fitted.parameters_["r"]
    assert repr(fitted).startswith(f"BGNBD(): r = {r:.4g}, alpha = ")
    assert f"{fitted.n_buyers_:.0f} buyers" in repr(fitted)
    assert repr(cc.btyd.BGNBD()) == "BGNBD()"


def test_simulated_histories_print_in_a_line_and_a_comparison_its_verdict():
    shop = cc.datasets.simulate_histories("retailer", n_buyers=60, random_state=0)
    assert repr(shop).startswith("SimulatedHistories of a retailer: ")
    assert "\n" not in repr(shop)
    book = pd.DataFrame({"churn_risk": [0.1, 0.2]}, index=pd.Index(["a", "b"], name="buyer_id"))
    assert repr(cc.compare_scores(book, book)) == str(cc.compare_scores(book, book))
