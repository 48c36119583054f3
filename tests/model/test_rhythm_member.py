"""The rhythm member: which contacts count as signs of life."""

import numpy as np

from clientcare.model.members.buyer_types import RhythmMember

AGE = 100.0


def signs_of(n_contacts: float, last_contact: float, first_contact: float):
    columns = {
        "n_repeat_purchases": 2.0,
        "days_first_to_last_purchase": 40.0,
        "days_since_first_purchase": AGE,
        "gap_log_mean_shrunk": 3.0,
        "n_inbound_contacts": n_contacts,
        "days_since_last_inbound_contact": last_contact,
        "n_mutual_contacts": 0.0,
        "days_since_last_mutual_contact": np.nan,
        "days_since_first_contact": first_contact,
    }
    return RhythmMember()._signs({name: np.array([value]) for name, value in columns.items()})


def test_contacts_since_the_first_purchase_are_counted():
    signs = signs_of(n_contacts=3, last_contact=20, first_contact=90)
    assert (signs.n_contacts[0], signs.last_sign_days[0]) == (3, 80)


def test_contacts_that_all_came_before_the_first_purchase_are_none_since():
    signs = signs_of(n_contacts=30, last_contact=120, first_contact=400)
    assert (signs.n_contacts[0], signs.last_sign_days[0]) == (0, 40)


def test_where_contacts_began_before_the_first_purchase_how_many_came_after_is_not_known():
    signs = signs_of(n_contacts=30, last_contact=20, first_contact=400)
    assert np.isnan(signs.n_contacts[0])
    assert signs.last_sign_days[0] == 80


def test_without_any_contact_the_last_purchase_is_the_last_sign():
    signs = signs_of(n_contacts=0, last_contact=np.nan, first_contact=np.nan)
    assert (signs.n_contacts[0], signs.last_sign_days[0]) == (0, 40)
