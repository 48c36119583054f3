"""The models keep scikit-learn's contract.

``check_estimator`` fits random tables, which are no purchase histories: the models refuse them, as they must. So each
model is checked twice. As it is, every check passes but those in ``NEEDS_ANY_TABLE``, which fit such a table first. Behind
a translator that turns any table of numbers into histories, one row for one row, those pass too; everything else
(cloning, parameters, pickling, weights, messages, no writing to the input) is the model's own.
"""

import inspect
import os
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.fixes import parse_version

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
)
from clientcare.btyd.table import read_columns, refuse

NEEDS_ANY_TABLE = {
    # each fits numbers drawn at random, or a table of two columns, and looks at something else afterwards
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit2d_1sample",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_readonly_memmap_input",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weights_list",
    "check_sample_weights_not_an_array",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
    "check_all_zero_sample_weights_error",
}
EXCEPTIONS = {
    "check_fit2d_1feature": "the translator accepts a table of one column, the models name the columns they lack",
}


def some_numbers(X, asker):
    """Two numbers >= 0 a row, after the model's own reading of the table."""
    read_columns(X.to_numpy() if isinstance(X, pd.DataFrame) else X, ("first",), asker)
    values = np.asarray(X, dtype=np.float64)
    refuse(asker, "first", "known and finite", ~np.isfinite(values).all(axis=1))
    refuse(asker, "first", "not below 0 (Negative values in data)", (values < 0).any(axis=1))
    digits = values.sum(axis=1) * 97
    return np.floor(digits) % 5, digits - np.floor(digits)


class Buying:
    def _read(self, X, asker, sample_weight=None):
        count, rest = some_numbers(X, asker)
        age = 20 + 30 * rest
        recency = np.where(count > 0, age * (0.1 + 0.8 * rest), 0.0)
        gaps = count * np.log(np.maximum(recency, 1) / np.maximum(count, 1))
        return super()._read(np.column_stack([count, recency, age, age, gaps]), asker, sample_weight)


class Renewing:
    def _read(self, X, asker):
        count, rest = some_numbers(X, asker)
        return super()._read(np.column_stack([count, np.floor(17 * rest + count) % 2]), asker)


class AnyNBD(Buying, NBD): ...


class AnyBGNBD(Buying, BGNBD): ...


class AnyMBGNBD(Buying, MBGNBD): ...


class AnyParetoNBD(Buying, ParetoNBD): ...


class AnyBGCNBD(Buying, BGCNBD): ...


class AnyMBGCNBD(Buying, MBGCNBD): ...


class AnySBG(Renewing, ShiftedBetaGeometric): ...


class AnyBdW(Renewing, BetaDiscreteWeibull): ...


class AnyGammaGamma(GammaGamma):
    def _read(self, X, asker):
        count, rest = some_numbers(X, asker)
        return super()._read(np.column_stack([count + 1, 5 + 30 * rest]), asker)


class AnyBGBB(BGBB):
    def _read(self, X, asker):
        count, rest = some_numbers(X, asker)
        last = np.where(count > 0, count + np.floor(rest * 2), 0)
        return super()._read(np.column_stack([count, last, np.full(len(last), 6)]), asker)


MODELS = [AnyBGNBD(), AnyParetoNBD(), AnyGammaGamma(), AnyBGBB(), AnySBG()]
if os.environ.get("CLIENTCARE_TESTS") == "full":
    MODELS += [AnyNBD(), AnyMBGNBD(), AnyBGCNBD(k=2), AnyMBGCNBD(k=2), AnyBdW()]


def failed_checks(model):
    """Name and message of each check that fails; scikit-learn 1.6 and later collect them by themselves."""
    if "on_fail" in inspect.signature(check_estimator).parameters:
        results = check_estimator(model, on_fail=None, on_skip=None)
        return {r["check_name"]: str(r["exception"]) for r in results if r["status"] == "failed"}
    failed = {}
    for one, check in check_estimator(model, generate_only=True):
        try:
            check(one)
        except SkipTest:
            continue
        except Exception as error:
            failed[check.func.__name__] = str(error)
    return failed


speaks_tags = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.6"),
    reason="the checks read estimator tags in the form that scikit-learn speaks since 1.6",
)


@speaks_tags
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_finds_nothing_wrong(model):
    failed = failed_checks(model)
    assert set(failed) <= set(EXCEPTIONS), failed


@pytest.mark.parametrize(
    "model", [BGNBD(), BGBB(), GammaGamma(), ShiftedBetaGeometric()], ids=lambda model: type(model).__name__
)
@speaks_tags
@pytest.mark.filterwarnings("ignore")
def test_without_the_translator_only_random_tables_are_refused(model):
    failed = failed_checks(model)
    assert set(failed) <= NEEDS_ANY_TABLE, failed


@pytest.mark.parametrize("model", [NBD, BGNBD, MBGNBD, ParetoNBD])
def test_a_pipeline_and_a_search_over_penalties_take_the_table_as_it_is(model):
    table = MBGNBD.from_parameters(r=0.5, alpha=30, a=0.8, b=2.4).simulate(400, 270, 80)
    searched = GridSearchCV(model(), {"penalty": [0.0, 1.0, 1000.0]}, cv=3, error_score="raise").fit(table)
    assert searched.best_params_["penalty"] != 1000.0
    assert len(searched.best_estimator_.predict_no_purchase(table, 90)) == 400
    piped = make_pipeline("passthrough", model()).fit(table)
    assert piped.score(table) == pytest.approx(model().fit(table).score(table), abs=1e-12)


def test_the_number_of_phases_can_be_searched_for():
    table = MBGCNBD.from_parameters(r=2, alpha=10, a=0.5, b=3, k=3).simulate(600, 200, 50)
    searched = GridSearchCV(MBGCNBD(), {"k": [1, 3]}, cv=3, error_score="raise").fit(table)
    assert searched.best_params_ == {"k": 3}


@pytest.mark.parametrize("model", [NBD, BGNBD, MBGNBD, ParetoNBD, GammaGamma, BGBB, ShiftedBetaGeometric])
def test_a_clone_knows_the_options_and_nothing_fitted(model):
    fitted = model.from_parameters(**dict.fromkeys(model._names, 1.5), penalty=0.5)
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    assert not hasattr(fresh, "parameters_")
