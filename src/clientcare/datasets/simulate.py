"""The one call for simulated histories."""

from __future__ import annotations

import numpy as np

from clientcare.arguments import is_one_of, is_whole, require_seed
from clientcare.datasets.care_waves import ASSIGNMENTS, OVERLAPS
from clientcare.datasets.retailer import simulate_retailer
from clientcare.datasets.rival import simulate_rival
from clientcare.datasets.service_firm import simulate_service_firm
from clientcare.datasets.simulated import SimulatedHistories
from clientcare.exceptions import OptionError
from clientcare.window import Moment, parse_moment

KINDS = ("retailer", "service_firm", "rival")


def simulate_histories(
    kind: str = "retailer",
    n_buyers: int = 1000,
    *,
    random_state: int = 0,
    start: Moment = "2022-01-01",
    n_days: int = 912,
    season: float = 0.25,
    share_clients: float = 0.3,
    with_interactions: bool = True,
    assignment: str = "none",
    care_effect: float = 1.0,
    overlap: str = "good",
) -> SimulatedHistories:
    """Histories whose truth is known: who is a client, who left when, and the true probabilities.

    A **retailer** sells to customers, who buy at random and leave soon, and to clients, who buy in a rhythm
    of their own, stay, get in touch and refer others; orders have lines and some come back. A **service
    firm** keeps contracts alive by monthly check-ins: neglect wears the goodwill of a buyer down, and with it
    the chance that they stay. A **rival** world is a shop whose buyers all come in one rhythm and differ in
    dependence alone: needs served, discounts hunted for, questions asked, and who leaves at a price rise, at a
    change of owner, and when, after 65 % of the stretch, a rival opens.

    Parameters
    ----------
    kind : {"retailer", "service_firm", "rival"}
        What is simulated.
    n_buyers : int
        How many buyers; they are acquired throughout.
    random_state : int
        Same number, same bytes.
    start : date
        First day of observation.
    n_days : int
        Length of observation.
    season : float, 0 to below 1, retailer only
        How much faster buying runs in mid-December than on average.
    share_clients : float, 0 to 1
        How many buyers are truly clients.
    with_interactions : bool
        Whether contacts are recorded (a service firm always records them).
    assignment : {"none", "randomised", "confounded"}, retailer only
        Who is contacted in waves of care (``check_in``, outbound, within 14 days after each of
        ``care_dates``): nobody; every second buyer by lot; or those overdue, which makes care look harmful to
        whoever only counts.
    care_effect : float
        How strongly a contact works, for 90 days: the rate of leaving is divided by exp(care_effect x m), the
        rate of buying multiplied by its square root, with m = 0.2, 1.0, 1.6 for the segments gift, private,
        trade. 0: no effect.
    overlap : {"good", "hopeless"}
        ``"hopeless"``: practically all overdue buyers are contacted and nobody else (confounded assignment
        only).

    Returns
    -------
    SimulatedHistories
        The tables, ``.histories``, ``.truth``, ``.true_churn_risk(...)``, ``.true_client_probability(...)``
        and, with care, ``.care_dates`` and ``.potential_outcomes(...)``.

    Raises
    ------
    OptionError
        Where an argument is not one of the values that make sense.

    Examples
    --------
    >>> simulated = simulate_histories("retailer", n_buyers=200, random_state=7)
    >>> bought = simulated.transactions.groupby("buyer_id")["order_id"].nunique()
    >>> bool(bought[simulated.truth.is_client].mean() > bought[~simulated.truth.is_client].mean())
    True
    """
    _require_one_of("kind", kind, KINDS)
    _require_one_of("assignment", assignment, ASSIGNMENTS)
    _require_one_of("overlap", overlap, OVERLAPS)
    _require_between("n_buyers", n_buyers, 1, 100_000_000)
    if not (is_whole(n_buyers) and is_whole(n_days)):
        raise OptionError("simulate_histories: n_buyers and n_days must be whole numbers.")
    require_seed("simulate_histories: random_state", random_state)
    _require_between("n_days", n_days, 120, 36_500)
    _require_between("season", season, 0.0, 0.95)
    _require_between("share_clients", share_clients, 0.0, 1.0)
    _require_between("care_effect", care_effect, -3.0, 3.0)
    first_day = parse_moment(start, name="start").normalize()
    if kind != "retailer" and assignment != "none":
        raise OptionError(
            "simulate_histories: care is planted in retailers only.\n"
            "Use kind='retailer' with this assignment, or assignment='none'."
        )
    if kind == "service_firm":
        return simulate_service_firm(n_buyers, random_state, first_day, n_days, share_clients=share_clients)
    if kind == "rival":
        return simulate_rival(
            n_buyers,
            random_state,
            first_day,
            n_days,
            share_clients=share_clients,
            with_interactions=with_interactions,
        )
    return simulate_retailer(
        n_buyers,
        random_state,
        first_day,
        n_days,
        season=season,
        share_clients=share_clients,
        with_interactions=with_interactions,
        assignment=assignment,
        care_effect=care_effect,
        overlap=overlap,
    )


def _require_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if not is_one_of(value, choices):
        raise OptionError(f"simulate_histories: {name} must be one of {', '.join(choices)}.")


def _require_between(name: str, value: float, least: float, most: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, np.number))
        or not least <= value <= most
    ):
        raise OptionError(f"simulate_histories: {name} must lie between {least:,} and {most:,}.")
