"""A saved model is held against the tables it is asked to score."""

from clientcare.cli import main
from clientcare.datasets import simulate_histories


def test_a_table_the_model_learned_from_must_be_given(tmp_path, capsys):
    shop = simulate_histories("retailer", n_buyers=80, random_state=0)
    shop.transactions.to_parquet(tmp_path / "orders.parquet")
    shop.interactions.to_parquet(tmp_path / "contacts.parquet")
    orders = ["--transactions", str(tmp_path / "orders.parquet")]
    both = [*orders, "--interactions", str(tmp_path / "contacts.parquet")]
    model = ["--model", str(tmp_path / "m.clientcare")]
    assert main(["fit", *both, *model, "--horizon", "60D", "--effort", "quick"]) == 0
    assert main(["score", *both, *model, "--out", str(tmp_path / "book.csv")]) == 0
    assert main(["score", *orders, *model, "--out", str(tmp_path / "other.csv")]) == 2
    assert "no interactions were given" in capsys.readouterr().err
    assert not (tmp_path / "other.csv").exists()


def test_a_horizon_that_is_not_the_models_own_is_refused(tmp_path, capsys):
    shop = simulate_histories("retailer", n_buyers=80, random_state=0)
    shop.transactions.to_parquet(tmp_path / "orders.parquet")
    given = ["--transactions", str(tmp_path / "orders.parquet"), "--model", str(tmp_path / "m.clientcare")]
    assert main(["fit", *given, "--horizon", "60D", "--effort", "quick"]) == 0
    out = ["--out", str(tmp_path / "book.csv")]
    assert main(["score", *given, "--horizon", "30D", *out]) == 2
    assert "--horizon: the model was learned for 60 days" in capsys.readouterr().err
    assert main(["score", *given, "--horizon", "60D", *out]) == 0
