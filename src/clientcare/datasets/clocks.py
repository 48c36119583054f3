"""Clocks of a simulated world: how much time counts, for buying and for leaving, between two moments.

A season makes the buying clock run faster or slower for everybody; a contact that works makes a buyer's own
clocks run at another speed for a while. With clocks like these, seasons and care turn into plain Poisson and
exponential laws, so that true probabilities stay in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Season:
    """The buying clock that all buyers share: days of ordinary buying from day 0 to each day.

    Attributes
    ----------
    counted : float array of shape (n_days + 1,)
        ``counted[d]`` ordinary days have passed when day ``d`` begins; linear within a day.
    """

    counted: FloatArray

    @classmethod
    def of_year(cls, n_days: int, amplitude: float, peak_day: float) -> Season:
        """A cosine over the year around an average of one.

        Parameters
        ----------
        n_days : int
            How many days the calendar covers.
        amplitude : float, 0 to below 1
            0.3: buying runs 30 % faster at the peak and 30 % slower half a year later.
        peak_day : float
            The day of the peak, counted from day 0.
        """
        speed = 1.0 + amplitude * np.cos(2 * np.pi * (np.arange(n_days) + 0.5 - peak_day) / 365.25)
        return cls(np.concatenate([[0.0], np.cumsum(speed)]))

    def elapsed(self, moments: FloatArray) -> FloatArray:
        """Ordinary days from day 0 to each moment (in days)."""
        return np.interp(moments, np.arange(len(self.counted)), self.counted)

    def moment(self, elapsed: FloatArray) -> FloatArray:
        """The moment, in days, at which so many ordinary days have passed."""
        return np.interp(elapsed, self.counted, np.arange(len(self.counted)))


@dataclass(frozen=True)
class OwnClock:
    """A clock that runs at a buyer's own speed for a stretch after each contact that reached them.

    Attributes
    ----------
    season : Season or None
        The clock underneath; None: plain days.
    contacted_at : float array of shape (n_buyers, n_waves), days
        NaN where no contact was made. Stretches of one buyer never overlap.
    stretch_days : float
        How long a contact works.
    speed : float array of shape (n_buyers,)
        How fast the clock runs meanwhile; 1 = a contact changes nothing.
    """

    season: Season | None
    contacted_at: FloatArray
    stretch_days: float
    speed: FloatArray

    def elapsed(self, buyers: IntArray, moments: FloatArray) -> FloatArray:
        """What the clocks show at some moments.

        Parameters
        ----------
        buyers : int array of shape (n,)
            Whose clocks.
        moments : float array of shape (n,) or (n, m), days
            When.
        """
        shown = self._base(moments)
        extra_speed = self._like(self.speed[buyers] - 1.0, moments)
        for wave in range(self.contacted_at.shape[1]):
            begins = self.contacted_at[buyers, wave]
            some = np.flatnonzero(~np.isnan(begins))
            begin = self._like(begins[some], moments)
            within = np.clip(moments[some], begin, begin + self.stretch_days)
            shown[some] += extra_speed[some] * (self._base(within) - self._base(begin))
        return shown

    def speed_at(self, buyers: IntArray, moments: FloatArray) -> FloatArray:
        """How fast the own part of the clock runs at some moments; shapes as in :meth:`elapsed`."""
        running = np.zeros(moments.shape, dtype=bool)
        for wave in range(self.contacted_at.shape[1]):
            begin = self._like(self.contacted_at[buyers, wave], moments)
            running |= (moments >= begin) & (moments < begin + self.stretch_days)
        return np.where(running, self._like(self.speed[buyers], moments), 1.0)

    def moment(self, buyers: IntArray, shown: FloatArray) -> FloatArray:
        """When the clocks of some buyers show some values; both of shape (n,)."""
        extra = np.zeros(len(shown))
        speed = self.speed[buyers]
        for wave in range(self.contacted_at.shape[1]):
            begins = self.contacted_at[buyers, wave]
            some = np.flatnonzero(~np.isnan(begins))
            begin = self._base(begins[some])
            length = self._base(begins[some] + self.stretch_days) - begin
            into = np.clip(shown[some] - extra[some] - begin, 0.0, length * speed[some])
            extra[some] += into * (1.0 - 1.0 / speed[some])
        base = shown - extra
        return base if self.season is None else self.season.moment(base)

    def _base(self, moments: FloatArray) -> FloatArray:
        return np.array(moments, dtype=np.float64) if self.season is None else self.season.elapsed(moments)

    @staticmethod
    def _like(values: FloatArray, moments: FloatArray) -> Any:
        return values[:, None] if moments.ndim == 2 else values
