"""What was worked out for one question is not worked out again for the next."""

import numpy as np
from model_shops import shop_tables

from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.model.members import buyer_types, pareto_nbd
from clientcare.model.members.pareto_nbd import pareto_parameters
from clientcare.model.members.recall import KEPT, Recall
from clientcare.model.members.type_mixture import find_types


def test_the_same_numbers_are_worked_out_once_and_other_numbers_anew():
    worked = []

    def work(values, share):
        worked.append(share)
        return float(values.sum() * share)

    recall = Recall(work)
    values = np.arange(6.0)
    assert recall(values, 0.5) == recall(values.copy(), 0.5) == 7.5
    assert len(worked) == 1
    for others in (values[::-1], values.reshape(2, 3), values.astype(np.float32), values[:5]):
        recall(others, 0.5)
    recall(values, 0.25)
    assert len(worked) == 6


def test_only_the_last_few_are_kept():
    worked = []
    recall = Recall(lambda value: worked.append(value) or value)
    for value in range(KEPT + 1):
        recall(value)
    recall(KEPT)
    assert len(worked) == KEPT + 1
    recall(0)
    assert len(worked) == KEPT + 2


def test_whoever_changes_an_answer_changes_it_for_nobody_else():
    rng = np.random.default_rng(0)
    age = rng.integers(100, 400, 300).astype(float)
    repeats = rng.poisson(2, 300).astype(float)
    summary = np.column_stack([repeats, np.where(repeats > 0, age * rng.random(300), 0.0), age])
    first = pareto_parameters(summary)
    expected = dict(first)
    first["r"] = -1.0
    assert pareto_parameters(summary) == expected == pareto_nbd._fitted(summary)


def test_a_fit_finds_the_types_of_the_same_signs_once(monkeypatch):
    """Both questions ask at the dates that they share; the client's sees its own measure of gaps."""
    dates = []

    def counted(signs, laws):
        dates.append(b"".join(np.asarray(of_one).tobytes() for of_one in vars(signs).values()))
        return find_types(signs, laws)

    monkeypatch.setattr(buyer_types, "find_types", counted)
    monkeypatch.setattr(buyer_types, "_types", Recall(buyer_types._found))
    model = RelationshipModel("30D", effort="quick").fit(Histories(**shop_tables(seed=3)))
    assert {"churn", "patronage"} <= set(model.candidates_["target"])
    assert len(dates) == len(set(dates))
