"""Published numbers, and the optima on the data they were published on."""

import numpy as np
import pandas as pd
import pytest

from clientcare.btyd import (
    BGBB,
    BGCNBD,
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    BetaDiscreteWeibull,
    GammaGamma,
    ParetoNBD,
    ShiftedBetaGeometric,
    purchase_summary,
)
from clientcare.history import Histories

# Fader, Hardie and Shang (2010), table 1: repeat gifts, last gift, opportunities, donors
DONATIONS = np.array(
    [
        (0, 0, 6, 3464), (1, 1, 6, 1091), (1, 2, 6, 277), (1, 3, 6, 129), (1, 4, 6, 78), (1, 5, 6, 119),
        (1, 6, 6, 129), (2, 2, 6, 613), (2, 3, 6, 255), (2, 4, 6, 155), (2, 5, 6, 173), (2, 6, 6, 234),
        (3, 3, 6, 322), (3, 4, 6, 181), (3, 5, 6, 225), (3, 6, 6, 357), (4, 4, 6, 240), (4, 5, 6, 284),
        (4, 6, 6, 512), (5, 5, 6, 335), (5, 6, 6, 728), (6, 6, 6, 1203),
    ]
)  # fmt: skip
# Fader and Hardie (2007), table 1: of 1,000 customers, those left after each renewal
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]


def weekly_table(folder, name, last_day):
    """The table of the papers: weeks, counted to the last day seen, every order a purchase."""
    log = pd.read_parquet(folder / name / "transactions.parquet")[["buyer_id", "timestamp"]]
    table = purchase_summary(Histories(log), pd.Timestamp(last_day) + pd.Timedelta(days=1))
    table["days_since_first_purchase"] -= 1
    table["sum_log_gap_days"] -= table["n_repeat_purchases"] * np.log(7)
    return table.assign(
        days_first_to_last_purchase=table["days_first_to_last_purchase"] / 7,
        days_since_first_purchase=table["days_since_first_purchase"] / 7,
    )


def contract_table(survivors, n_renewals):
    left = -np.diff(survivors[: n_renewals + 1])
    table = [(age, 1) for age in range(n_renewals)] + [(n_renewals, 0)]
    return np.array(table), np.append(left, survivors[n_renewals])


def assert_fits(model, table, parameters, log_likelihood, tolerance=1e-3):
    model.fit(table)
    found = list(model.parameters_.values())
    assert found == pytest.approx(parameters, rel=tolerance, abs=tolerance)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-2)
    assert model.boundary_ is None


SAMPLE = [
    (BGNBD(), (0.2426, 4.4136, 0.7929, 2.4259), -9582.4292),
    (ParetoNBD(), (0.5533, 10.5777, 0.6062, 11.6687), -9594.9762),
    (MBGNBD(), (0.5248, 6.1831, 0.8914, 1.6140), -9582.1357),
    (NBD(), (0.3848, 12.072), -9763.6576),
]
FULL = [
    (BGNBD(), (0.2516, 4.789, 0.7234, 2.161), -95368.44),
    (MBGNBD(), (0.6371, 7.310, 0.8075, 1.228), -95336.96),
    (ParetoNBD(), (0.5974, 11.586, 0.5222, 8.827), -95415.12),
]
GROCERY = [
    (NBD(), (0.4203, 5.2451), -16376.8639),
    (ParetoNBD(), (0.7864, 5.679, 0.3862, 5.7178), -15782.3921),
    (MBGNBD(), (1.2569, 6.0391, 0.3683, 0.7158), -15781.9394),
    (MBGCNBD(k=2), (1.3292, 2.8126, 0.4247, 0.7900), -14978.2107),
]


def named(rows):
    return [pytest.param(*row, id=type(row[0]).__name__) for row in rows]


@pytest.mark.data
@pytest.mark.parametrize(("model", "parameters", "log_likelihood"), named(SAMPLE))
def test_the_cdnow_sample_gives_the_published_optimum(data_folder, model, parameters, log_likelihood):
    assert_fits(model, weekly_table(data_folder, "cdnow_sample", "1997-09-30"), parameters, log_likelihood)


@pytest.mark.data
def test_the_cdnow_sample_has_the_published_counts(data_folder):
    table = weekly_table(data_folder, "cdnow_sample", "1997-09-30")
    assert len(table) == 2357
    assert (table["n_repeat_purchases"] > 0).sum() == 946
    assert table["n_repeat_purchases"].sum() == 2457


@pytest.mark.data
def test_the_pareto_nbd_has_the_published_standard_errors(data_folder):
    model = ParetoNBD().fit(weekly_table(data_folder, "cdnow_sample", "1997-09-30"))
    errors = list(model.standard_errors_.values())
    assert errors == pytest.approx([0.0476, 0.8427, 0.1873, 6.2105], rel=2e-3)


@pytest.mark.data
def test_the_fitted_models_forecast_the_published_purchases_of_new_buyers(data_folder):
    table = weekly_table(data_folder, "cdnow_sample", "1997-09-30")
    found = BGNBD().fit(table).expected_purchases_new([0.1429, 1, 3, 31.8571, 32, 78])
    assert found[:5] == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437], abs=6e-5)
    assert found[5] == pytest.approx(
        1.8576, abs=5e-4
    )  # the exact optimum gives 1.85796; theirs stopped just short
    pareto = ParetoNBD().fit(table)
    assert pareto.expected_purchases([[26, 30.86, 31]], 52)[0] == pytest.approx(25.46, abs=5e-3)
    assert pareto.expected_purchases_new([1, 3, 6]) == pytest.approx(
        [0.0510045, 0.1461243, 0.2750507], rel=2e-4
    )


@pytest.mark.data
def test_the_whole_cdnow_log_gives_the_same_optimum_as_other_software(data_folder):
    table = weekly_table(data_folder, "cdnow", "1997-09-30")
    assert len(table) == 23_570
    for model, parameters, log_likelihood in FULL:
        assert_fits(model, table, parameters, log_likelihood)


@pytest.mark.data
def test_regularity_is_found_in_groceries_and_not_in_music(data_folder):
    music = weekly_table(data_folder, "cdnow_sample", "1997-09-30")
    assert BGCNBD(k=2).fit(music).log_likelihood_ == pytest.approx(-9855.3270, abs=1e-2)
    assert MBGCNBD(k=2).fit(music).log_likelihood_ == pytest.approx(-9853.2531, abs=1e-2)
    assert MBGCNBD().fit(music).k_ == 1
    groceries = weekly_table(data_folder, "grocery_elog", "2006-12-31")
    assert MBGCNBD(k=3).fit(groceries).log_likelihood_ == pytest.approx(-14996.8504, abs=1e-2)
    chosen = MBGCNBD().fit(groceries)
    assert chosen.k_ == 2
    assert sorted(chosen.log_likelihood_by_k_) == [1, 2, 3]


@pytest.mark.data
@pytest.mark.parametrize(("model", "parameters", "log_likelihood"), named(GROCERY))
def test_the_groceries_give_the_same_optimum_as_other_software(
    data_folder, model, parameters, log_likelihood
):
    assert_fits(model, weekly_table(data_folder, "grocery_elog", "2006-12-31"), parameters, log_likelihood)


@pytest.mark.data
def test_the_groceries_give_the_known_likelihoods_of_the_bg_models(data_folder):
    table = weekly_table(data_folder, "grocery_elog", "2006-12-31")
    assert BGNBD().fit(table).log_likelihood_ == pytest.approx(-15836.5662, abs=1e-2)
    assert BGCNBD(k=2).fit(table).log_likelihood_ == pytest.approx(-15054.1729, abs=1e-2)


@pytest.mark.data
def test_amounts_of_the_cdnow_sample_give_the_published_gamma_gamma(data_folder):
    log = pd.read_parquet(data_folder / "cdnow_sample" / "transactions.parquet")
    log["timestamp"] = log["timestamp"].dt.normalize()
    calibration = log[log["timestamp"] <= "1997-09-30"]
    days = calibration.groupby(["buyer_id", "timestamp"])["amount"].sum().reset_index()
    repeats = days[days["buyer_id"].duplicated()]
    means = repeats.groupby("buyer_id")["amount"].agg(["size", "mean"])
    model = GammaGamma().fit(np.column_stack([means["size"], means["mean"].round(2)]))
    assert model.n_buyers_ == 946
    assert list(model.parameters_.values()) == pytest.approx([6.2488, 3.7446, 15.4477], rel=1e-3)
    assert model.log_likelihood_ == pytest.approx(-4055.9232, abs=1e-2)


@pytest.mark.data
@pytest.mark.parametrize("model", [BGNBD(), MBGNBD(), ParetoNBD()])
def test_online_retail_lies_on_the_boundary_and_is_named(data_folder, model):
    log = pd.read_parquet(data_folder / "online_retail" / "transactions.parquet")
    table = purchase_summary(Histories(log[["buyer_id", "timestamp", "amount"]]), "2011-06-09")
    model.fit(table)
    plain = NBD().fit(table)
    assert model.boundary_ == "no drop-out: plain NBD"
    assert model.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-9)
    same = plain.predict_no_purchase(table, 90)
    assert np.allclose(model.predict_no_purchase(table, 90), same, rtol=1e-9)


def test_the_bg_nbd_gives_the_published_numbers_at_a_point():
    model = BGNBD.from_parameters(r=0.243, alpha=4.414, a=0.793, b=2.426)
    assert model.expected_purchases([[2, 30.43, 38.86]], 39)[0] == pytest.approx(1.226, abs=5e-4)
    assert model.prob_n_purchases_new(39, 0)[0] == pytest.approx(0.5737864, abs=5e-8)
    assert model.prob_n_purchases_new(2, 10)[0] == pytest.approx(1.07869e-07, rel=5e-6)
    assert model.expected_purchases_new([1, 3, 6]) == pytest.approx(
        [0.0532679, 0.1508652, 0.2807559], abs=5e-8
    )


def test_the_mbg_nbd_gives_the_known_numbers_at_a_point():
    model = MBGNBD.from_parameters(r=0.525, alpha=6.183, a=0.891, b=1.614)
    assert model.expected_purchases_new([1, 3, 6]) == pytest.approx(
        [0.0530848, 0.1508633, 0.2813602], abs=6e-8
    )


def test_the_pareto_nbd_is_finite_where_the_hypergeometric_function_overflows():
    model = ParetoNBD.from_parameters(r=10.465, alpha=0.00798565, s=3.0516, beta=2.820)
    assert np.isfinite(model.score_samples([[26, 30.86, 31], [0, 0, 31]])).all()
    assert np.isfinite(model.expected_purchases([[26, 30.86, 31], [0, 0, 31]], 52)).all()


def test_the_donors_give_the_published_bg_bb():
    model = BGBB().fit(DONATIONS[:, :3], sample_weight=DONATIONS[:, 3])
    assert list(model.parameters_.values()) == pytest.approx([1.2035, 0.7497, 0.6567, 2.7834], abs=1e-4)
    assert model.log_likelihood_ == pytest.approx(-33225.5813, abs=1e-4)
    assert 11_104 * model.prob_n_purchases_new(6, 0) == pytest.approx(3454.9, abs=0.05)
    assert 11_104 * model.prob_n_purchases_new(6, 6) == pytest.approx(1253.1, abs=0.05)


@pytest.mark.parametrize(
    ("survivors", "parameters", "log_likelihood"),
    [(REGULAR, (0.7041, 1.1820), -1680.2652), (HIGH_END, (0.6681, 3.8061), -1611.1581)],
)
def test_the_contracts_give_the_published_sbg(survivors, parameters, log_likelihood):
    table, weight = contract_table(survivors, 7)
    model = ShiftedBetaGeometric().fit(table, sample_weight=weight)
    assert list(model.parameters_.values()) == pytest.approx(parameters, abs=1e-4)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-4)


@pytest.mark.parametrize(
    ("survivors", "parameters", "log_likelihood"),
    [(REGULAR, (0.4556, 0.7793, 1.2835), -1679.6028), (HIGH_END, (0.2143, 1.4266, 1.7236), -1605.3142)],
)
def test_the_contracts_give_the_published_bdw(survivors, parameters, log_likelihood):
    table, weight = contract_table(survivors, 7)
    model = BetaDiscreteWeibull().fit(table, sample_weight=weight)
    assert list(model.parameters_.values()) == pytest.approx(parameters, abs=1e-4)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-4)


def test_four_renewals_foretell_the_twelfth_as_published():
    table, weight = contract_table(HIGH_END, 4)
    assert ShiftedBetaGeometric().fit(table, sample_weight=weight).survival(12)[0] == pytest.approx(
        0.307, abs=5e-4
    )
    assert BetaDiscreteWeibull().fit(table, sample_weight=weight).survival(12)[0] == pytest.approx(
        0.389, abs=5e-4
    )


@pytest.mark.parametrize(
    ("alpha", "beta", "published"),
    [(3.80, 15.20, (3.31, 3.45, 3.59, 3.72, 3.84)), (1 / 15, 4 / 15, (7.68, 9.46, 9.86, 10.06, 10.19))],
)
def test_the_discounted_remaining_life_is_as_published(alpha, beta, published):
    """In the first to fifth period, so after none to four renewals."""
    model = ShiftedBetaGeometric.from_parameters(alpha=alpha, beta=beta)
    assert model.expected_remaining_life([0, 1, 2, 3, 4], discount=0.1) == pytest.approx(published, abs=6e-3)
