"""The leaving integral and the expected purchases, beside arbitrary-precision arithmetic."""

import numpy as np
import pytest

from clientcare.btyd.beta_geometric import expected_with_dropout
from clientcare.btyd.quadrature import beta_rule, gamma_rule, leaving_integral

# R, alpha, s, beta, start, end, ln of the integral relative to (alpha+start)^-R (beta+start)^-s; mpmath, 40 digits
LEAVING = [
    (26.5533, 10.5777, 0.6062, 11.6687, 30.86, 31.0, -5.763363679846304),
    (0.5533, 10.5777, 0.6062, 11.6687, 0.0, 38.86, -0.37040672059320395),
    (36.465, 0.00798565, 3.0516, 2.82, 30.86, 31.0, -5.572616864055573),
    (10.465, 0.00798565, 3.0516, 2.82, 0.0, 31.0, -8.115800472054255),
    (0.01, 0.001, 0.001, 10000.0, 0.0, 20000.0, -0.061465981548996976),
    (5000.5, 0.0001, 0.5, 10000.0, 1.0, 10000.0, -17.727433588401087),
    (5000.1, 336.0, 0.04, 0.02, 26.2, 9000.0, -5.894201505842279),
    (2000.5, 10.5, 0.6, 11.6, 300.0, 1200.0, -7.604985899790355),
    (0.02, 0.9, 10.3, 12.7, 0.0, 10000.0, -2.3474104192614287),
    (3.5, 7000000.0, 0.7, 5000000.0, 10000000.0, 30000000.0, -1.387332823569493),
    (1.5, 5.0, 0.6, 5.0, 2.0, 9.0, -1.0075425777156055),
]

# R, A, a, b', horizon, E[(1 - (1 + p t / A)^-R) / p]; mpmath hyp2f1, 40 digits
EXPECTED = [
    (2.243, 43.27, 0.793, 4.426, 39.0, 1.687531900145757),
    (0.243, 4.414, 0.793, 2.426, 78.0, 1.8605190579427686),
    (5000.24, 304.4, 0.793, 5002.4, 30.0, 474.60773740447524),
    (5000.24, 304.4, 0.793, 5002.4, 300.0, 3685.3676118684134),
    (0.5, 6.0, 0.02, 0.3, 50.0, 3.8415245360712214),
    (40.0, 10.0, 391.0, 2131.0, 40.0, 6.464102528224525),
    (50.0, 12.0, 0.8, 2.0, 30.0, 13.017221990439776),
    (3.0, 50.0, 5.0, 2.0, 4000.0, 1.4999765674499348),
    (1.3, 60.0, 0.4, 0.8, 900.0, 6.758215401168819),
]


@pytest.mark.parametrize("row", LEAVING)
def test_the_leaving_integral_is_exact(row):
    *given, expected = row
    found = leaving_integral(*(np.array([value]) for value in given))
    assert found.log_value[0] == pytest.approx(expected, abs=1e-10)


def test_no_time_to_leave_is_no_chance_to_leave():
    one = np.ones(1)
    assert leaving_integral(one, one, one, one, one, one).log_value[0] == -np.inf


@pytest.mark.parametrize("row", EXPECTED)
def test_expected_purchases_are_exact(row):
    *given, expected = row
    arrays = [np.array([value]) for value in given]
    assert expected_with_dropout(*arrays)[0] == pytest.approx(expected, rel=1e-9)


def test_a_drop_out_parameter_of_one_is_no_special_case():
    a = np.array([1 - 1e-7, 1.0, 1 + 1e-7])
    found = expected_with_dropout(*np.broadcast_arrays(2.5, 30.0, a, 3.0, 20.0))
    assert found[1] == pytest.approx((found[0] + found[2]) / 2, rel=1e-12)


def test_the_gradient_of_the_leaving_integral_is_that_of_its_value():
    given = [np.array([v]) for v in (3.5, 8.0, 0.7, 12.0, 20.0, 35.0)]
    exact = leaving_integral(*given, means=True)

    def absolute(shape, alpha, s, beta):
        relative = leaving_integral(shape, alpha, s, beta, given[4], given[5]).log_value
        return relative - shape * np.log(alpha + 20) - s * np.log(beta + 20)

    step = 1e-6
    slopes = []
    for i in range(4):
        up, down = list(given[:4]), list(given[:4])
        up[i], down[i] = up[i] + step, down[i] - step
        slopes.append(float((absolute(*up) - absolute(*down))[0] / (2 * step)))
    expected = [
        -np.log(8 + 20) - exact.log_alpha[0],
        -3.5 * exact.per_alpha[0],
        -np.log(12 + 20) - exact.log_beta[0],
        -1.7 * exact.per_beta[0],
    ]
    assert slopes == pytest.approx(expected, rel=1e-7)


def test_the_rules_give_the_moments():
    nodes, weights = beta_rule(np.array([0.3, 4.0]), np.array([2.0, 5000.0]), 12)
    assert weights.sum(axis=1) == pytest.approx([1, 1])
    assert (weights * nodes).sum(axis=1) == pytest.approx([0.3 / 2.3, 4 / 5004])
    nodes, weights = gamma_rule(np.array([0.2, 30.0]), 12)
    assert (weights * nodes**2).sum(axis=1) == pytest.approx([0.2 * 1.2, 30 * 31])
