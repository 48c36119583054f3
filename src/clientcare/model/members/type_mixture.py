"""Types of buyer, found in the histories themselves: at random or in a rhythm, soon gone or loyal, silent or in touch.

A type buys after ``phases`` exponential steps (one: at random, as in the Pareto/NBD; more: in a rhythm, with
Erlang gaps), gets in touch at random, and leaves at random and for good. The population is a mixture of many such types,
whose shares are found by maximum likelihood over a grid (Laird 1978), drawn towards the gamma laws of a fitted Pareto/NBD.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaln

from clientcare.model.members.base import Floats
from clientcare.model.members.forms import array, mapping, refuse, rising

MOST_RATE = 100.0
"""Steps a day: eight phases at a gap of less than a tenth of a day."""

PHASES = (1, 2, 4, 8)
N_GAPS, N_LIFETIMES, N_CONTACT_RATES = 14, 6, 5
AT_RANDOM_SHARE = 0.9
"""Of the buyers who the prior supposes to buy at random."""
PRIOR_BUYERS = 50.0
"""How many buyers the prior is worth."""
MOST_BUYERS = 4_000
"""The shares are found on so many buyers at most: every n-th of a larger table."""
N_ROUNDS = 400
ENOUGH = 1e-4
KEPT_SHARE = 0.9
LEAST_TOLD = 0.5
"""Types that hold less of what a buyer may be do not speak for that buyer."""
ROWS_AT_ONCE = 1_024
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Signs:
    """All that is seen of buyers, as far as a type can have made it more or less likely.

    Attributes
    ----------
    n_repeats : float64 array of shape (n_buyers,)
        Purchases after the first.
    last_purchase_days, last_sign_days, age_days : float64 arrays of shape (n_buyers,)
        From the first purchase to the last, to the last sign of life (purchase or contact) and to now.
    sum_log_gaps : float64 array of shape (n_buyers,)
        Of the gaps in days; 0 where there is none.
    n_contacts : float64 array of shape (n_buyers,)
        Since the first purchase. NaN: not known; the last sign of life then counts, how often and how long ago does not.
    """

    n_repeats: Floats
    last_purchase_days: Floats
    last_sign_days: Floats
    age_days: Floats
    sum_log_gaps: Floats
    n_contacts: Floats

    def take(self, rows: Any) -> Signs:
        """Some of the buyers."""
        return Signs(**{name: values[rows] for name, values in vars(self).items()})

    def __len__(self) -> int:
        return len(self.n_repeats)


@dataclass(frozen=True, eq=False)
class Outlook:
    """What a question is worth to a buyer in each state; a mean over the states answers it.

    Attributes
    ----------
    here : list of float64 arrays of shape (n_types with so many phases, phases)
        For each of the numbers of phases, in rising order: the answer for one who is still there, by the steps taken since
        the last purchase.
    gone : float
        The answer for one who has left.
    """

    here: list[Floats]
    gone: float


@dataclass(frozen=True, eq=False)
class BuyerTypes:
    """A mixture of types, the number of phases rising.

    Attributes
    ----------
    phases : int64 array of shape (n_types,)
        Steps to a purchase.
    step_rate, leaving_rate, contact_rate : float64 arrays of shape (n_types,)
        A day.
    share : float64 array of shape (n_types,)
        Of all buyers; sums to 1.
    """

    phases: NDArray[np.int64]
    step_rate: Floats
    leaving_rate: Floats
    contact_rate: Floats
    share: Floats

    def log_likelihood(self, signs: Signs) -> Floats:
        """Of each history under each type; shape (n_buyers, n_types).

        With x repeat purchases at gaps g, t_x and t_s days from the first purchase to the last and to the last sign of
        life, c contacts, k phases, rates a (steps), m (leaving), v (contacts) and d = a + m + v:

            log L = k x log a + (k - 1) sum log g - x log (k - 1)! + c log v - d t_s + log Q

        where Q counts those who are still there and those who left after the last sign (:meth:`_states`).
        """
        out = np.empty((len(signs), len(self.share)))
        for place, states in self._by_phases(signs):
            out[:, place] = states.log_likelihood
        return out

    def answer(self, signs: Signs, outlook: Outlook) -> Floats:
        """The mean of an outlook over what each buyer may be, given the signs; shape (n_buyers,)."""
        answers = np.empty(len(signs))
        for start in range(0, len(signs), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            answers[rows] = self._answer(signs.take(rows), outlook)
        return answers

    def _answer(self, signs: Signs, outlook: Outlook) -> Floats:
        shape = (len(signs), len(self.share))
        weight, said = np.empty(shape), np.empty(shape)
        for (place, states), here in zip(self._by_phases(signs), outlook.here, strict=True):
            weight[:, place] = states.log_likelihood
            said[:, place] = states.mean(here, outlook.gone)
        weight -= weight.max(axis=1, keepdims=True)
        np.exp(weight, out=weight)
        weight *= self.share
        return np.asarray((weight * said).sum(axis=1) / weight.sum(axis=1))

    def _by_phases(self, signs: Signs) -> Iterator[tuple[slice, _States]]:
        for k, place in self._places():
            yield (
                place,
                _states(k, self.step_rate[place], self.leaving_rate[place], self.contact_rate[place], signs),
            )

    def _places(self) -> list[tuple[int, slice]]:
        numbers, starts = np.unique(self.phases, return_index=True)
        ends = [*starts[1:].tolist(), len(self.phases)]
        return [(int(k), slice(int(start), end)) for k, start, end in zip(numbers, starts, ends, strict=True)]

    # ---- questions ------------------------------------------------------------------------------------------------

    def activity(self, horizon_days: float, n_parts: int = 1, min_parts: int = 1) -> Outlook:
        """The probability to buy in at least ``min_parts`` of ``n_parts`` equal parts of the horizon.

        Steps, purchases and leaving are a Markov chain: one part is a matrix for "nothing bought" and one for "bought",
        and the parts are worked through from the last to the first.
        """
        here = []
        for k, place in self._places():
            quiet, bought, left_quiet, left_bought = _one_part(
                k, self.step_rate[place], self.leaving_rate[place], horizon_days / n_parts
            )
            enough = [float(active >= min_parts) for active in range(n_parts + 1)]
            worth = [np.full((len(quiet), k), value) for value in enough]
            for _ in range(n_parts):
                worth = [
                    np.einsum("tij,tj->ti", quiet, worth[active])
                    + np.einsum("tij,tj->ti", bought, worth[active + 1])
                    + left_quiet * enough[active]
                    + left_bought * enough[active + 1]
                    for active in range(len(worth) - 1)
                ]
            here.append(worth[0])
        return Outlook(here, float(min_parts <= 0))

    def purchases(self, horizon_days: float) -> Outlook:
        """The expected number of purchases in the horizon.

        A buyer i steps past the last purchase buys at the steps k - i, 2 k - i, ...; the n-th step comes within H before
        leaving with probability (a / (a + m))^n times the Erlang(n, a + m) distribution function at H.
        """
        here = []
        for k, place in self._places():
            step, leave = self.step_rate[place, None], self.leaving_rate[place, None]
            n = np.arange(1, _most_steps(float(step.max()) * horizon_days) + k)
            comes = np.exp(n * np.log(step / (step + leave))) * gammainc(n, (step + leave) * horizon_days)
            here.append(np.column_stack([comes[:, k - i - 1 :: k].sum(axis=1) for i in range(k)]))
        return Outlook(here, 0.0)


@dataclass(frozen=True, eq=False)
class _States:
    """Of buyers under types with k phases: how likely the history, and where they may stand now.

    ``here`` has an entry for each number of steps since the last purchase; all are in proportion to each other and to
    ``left``.
    """

    log_likelihood: Floats
    here: list[Floats]
    left: Floats
    total: Floats

    def mean(self, worth: Floats, gone: float) -> Floats:
        """Of what each state is worth."""
        said = gone * self.left
        for step, weight in enumerate(self.here):
            said += weight * worth[:, step]
        said /= self.total
        return said


def _states(k: int, step: Floats, leave: Floats, contact: Floats, signs: Signs) -> _States:
    """Still there after i steps: exp(-d S) (a S)^i / i!; left after the last sign: for each i < k the integral of
    m exp(-d u) (a u)^i / i! over the silence. Both divided by exp(-d s), s the days from the last purchase to the last sign.
    """
    silence = (signs.age_days - signs.last_purchase_days)[:, None]
    until_sign = (signs.last_sign_days - signs.last_purchase_days)[:, None]
    in_touch = bool(signs.n_contacts.any())
    counted = ~np.isnan(signs.n_contacts)[:, None]
    if not counted.all():
        contact = contact * counted
    all_rates = step + leave + contact
    here = [np.exp((until_sign - silence) * all_rates)]
    for i in range(1, k):
        here.append(here[-1] * (step * silence / i))
    room, left, share = np.empty_like(here[0]), np.zeros_like(here[0]), leave / all_rates
    now, then = here[0].copy(), np.ones_like(until_sign)
    sum_now, sum_then = now.copy(), then.copy()
    for i in range(k):
        if i:
            now *= np.multiply(silence, all_rates / i, out=room)
            sum_now += now
            share = share * (step / all_rates)
            if in_touch:
                then = then * (until_sign * (all_rates / i))
                sum_then = sum_then + then
        left += np.multiply(share, np.subtract(sum_then, sum_now, out=room), out=room)
    np.maximum(left, 0.0, out=left)
    total = left + np.maximum(sum(here), TINY)
    log_likelihood = np.log(total)
    log_likelihood += ((k - 1) * signs.sum_log_gaps - signs.n_repeats * gammaln(k))[:, None]
    log_likelihood -= np.multiply(signs.last_sign_days[:, None], all_rates, out=room)
    log_likelihood += np.multiply(signs.n_repeats[:, None], k * np.log(step), out=room)
    if in_touch:
        log_contact = np.log(np.where(contact > 0, contact, 1.0))
        log_likelihood += np.multiply(np.nan_to_num(signs.n_contacts)[:, None], log_contact, out=room)
    return _States(log_likelihood, here, left, total)


def _one_part(k: int, step: Floats, leave: Floats, days: float) -> tuple[Floats, Floats, Floats, Floats]:
    """What may happen within some days to one who has taken i of k steps: still there after nothing or something was bought,
    by the steps then taken, shape (n_types, k, k) each; left, after nothing or something was bought, shape (n_types, k).
    """
    n = np.arange(_most_steps(float(step.max()) * days) + k)
    log_steps = n * np.log(step[:, None] * days) - step[:, None] * days - gammaln(n + 1)
    steps = np.exp(log_steps - leave[:, None] * days)
    stays = np.exp(-leave * days)[:, None]
    quiet, bought = np.zeros((len(step), k, k)), np.empty((len(step), k, k))
    for i in range(k):
        for j in range(k):
            if j >= i:
                quiet[:, i, j] = steps[:, j - i]
            bought[:, i, j] = steps[:, (j - i) % k :: k].sum(axis=1) - quiet[:, i, j]
    both = (step + leave)[:, None]
    at = np.arange(k)
    leaves_at = leave[:, None] / both * (step[:, None] / both) ** at * gammainc(at + 1, both * days)
    left_quiet = np.cumsum(leaves_at, axis=1)[:, ::-1]
    return quiet, bought, left_quiet, np.maximum(1 - stays - left_quiet, 0.0)


def _most_steps(mean: float) -> int:
    return int(mean + 12 * np.sqrt(mean) + 30)


def find_types(signs: Signs, gamma_laws: Mapping[str, float]) -> BuyerTypes:
    """The shares of the types behind some histories, by EM over a grid of types.

    Parameters
    ----------
    signs : Signs
    gamma_laws : mapping
        r, alpha, s, beta of a Pareto/NBD fitted to the same buyers, in days: rates to buy ~ Gamma(r) / alpha, to leave ~
        Gamma(s) / beta. The prior has these laws, and supposes that nine of ten buy at random; it is worth 50 buyers.

    Returns
    -------
    BuyerTypes
        The heaviest types, which hold nine of ten buyers, and the likeliest type of each buyer of whom those say little.

    References
    ----------
    Laird (1978), "Nonparametric maximum likelihood estimation of a mixing distribution", JASA 73, 805-811.
    """
    some = signs.take(slice(None, None, max(1, -(-len(signs) // MOST_BUYERS))))
    types = _grid(some, gamma_laws)
    likelihood = types.log_likelihood(some)
    likelihood -= likelihood.max(axis=1, keepdims=True)
    np.exp(likelihood, out=likelihood)
    prior = types.share
    share = 0.8 * prior + 0.2 / len(prior)
    for _ in range(N_ROUNDS):
        better = share * (likelihood.T @ (1 / (likelihood @ share))) + PRIOR_BUYERS * prior
        better /= better.sum()
        moved = float(np.abs(better - share).sum())
        share = better
        if moved < ENOUGH:
            break
    kept = _kept(share, likelihood)
    chosen = {name: values[kept] for name, values in vars(replace(types, share=share)).items()}
    chosen["share"] = chosen["share"] / chosen["share"].sum()
    return BuyerTypes(**chosen)


def _kept(share: Floats, likelihood: Floats) -> NDArray[np.int64]:
    """Types enough for nearly all buyers, and for the few who are like no other: rising positions."""
    order = np.argsort(-share, kind="stable")
    kept = np.zeros(len(share), dtype=bool)
    kept[order[: int(np.searchsorted(np.cumsum(share[order]), KEPT_SHARE)) + 1]] = True
    likelihood *= share
    untold = likelihood[:, kept].sum(axis=1) < LEAST_TOLD * likelihood.sum(axis=1)
    kept[likelihood[untold].argmax(axis=1)] = True
    return np.flatnonzero(kept)


def _grid(signs: Signs, gamma_laws: Mapping[str, float]) -> BuyerTypes:
    """All types that are weighed, their prior as shares."""
    span = float(signs.age_days.max())
    gap = np.geomspace(0.7, 6 * span, N_GAPS)
    lifetime = np.geomspace(span / 100, 30 * span, N_LIFETIMES)
    counted = ~np.isnan(signs.n_contacts)
    rate = signs.n_contacts[counted].sum() / max(signs.age_days[counted].sum(), 1.0)
    contact = rate * np.geomspace(0.05, 20, N_CONTACT_RATES) if rate > 0 else np.zeros(1)
    of_phases = np.full(len(PHASES), (1 - AT_RANDOM_SHARE) / (len(PHASES) - 1))
    of_phases[0] = AT_RANDOM_SHARE
    k, gaps, lifetimes, contacts = (
        axis.ravel() for axis in np.meshgrid(np.array(PHASES), gap, lifetime, contact, indexing="ij")
    )
    prior = (
        of_phases[:, None, None, None]
        * _mass_near(1 / gap, gamma_laws["r"], gamma_laws["alpha"])[:, None, None]
        * _mass_near(1 / lifetime, gamma_laws["s"], gamma_laws["beta"])[:, None]
        / len(contact)
        * np.ones(len(contact))
    ).ravel()
    return BuyerTypes(k, k / gaps, 1 / lifetimes, contacts, prior / prior.sum())


def _mass_near(rates: Floats, shape: float, scale: float) -> Floats:
    """What a gamma law holds around each of some falling rates."""
    edges = np.concatenate([[np.inf], np.sqrt(rates[1:] * rates[:-1]), [0.0]])
    below = gammainc(shape, np.minimum(edges * scale, 1e300))
    return np.asarray(below[:-1] - below[1:])


def check_types(state: Any, where: str) -> None:
    """Types of buyer: steps that rise, rates of a day, shares that make one whole."""
    state = mapping(state, where, ("phases", "step_rate", "leaving_rate", "contact_rate", "share"))
    phases = array(state["phases"], f"{where}.phases", "i", (None,), 1, max(PHASES))
    if not 1 <= len(phases) <= 10_000 or not set(phases.tolist()) <= set(PHASES):
        raise refuse(f"{where}.phases", "has other numbers of steps than ours")
    rising(phases, f"{where}.phases", strictly=False)
    shape = phases.shape
    array(state["step_rate"], f"{where}.step_rate", "f", shape, 1e-12, MOST_RATE)
    array(state["leaving_rate"], f"{where}.leaving_rate", "f", shape, 1e-12, MOST_RATE)
    array(state["contact_rate"], f"{where}.contact_rate", "f", shape, 0.0, 1e4)
    share = array(state["share"], f"{where}.share", "f", shape, 0.0, 1.0)
    if abs(float(share.sum()) - 1.0) > 1e-6:
        raise refuse(f"{where}.share", "does not add up to the whole")
