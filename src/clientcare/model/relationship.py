"""The relationship model: who is a client, who is about to leave, learned from the histories' own past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from clientcare.book import book_as, require_form
from clientcare.exceptions import InputError
from clientcare.history.histories import Histories, require_histories
from clientcare.model.kept import KeptModel
from clientcare.model.learning import Lessons
from clientcare.model.outlook import Outlook
from clientcare.model.reasons.asked import known_ids
from clientcare.model.reasons.explanation import Explanation
from clientcare.model.training.labels import own_labels, require_some_named
from clientcare.model.training.level import level_table
from clientcare.model.training.options import check_options
from clientcare.model.training.pulse import counts_at
from clientcare.model.training.requirements import (
    require_several,
    require_tables,
    tables_of,
    warn_beyond_data,
)
from clientcare.model.training.snapshots import in_parts
from clientcare.model.training.table import columns_of, gather
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.progress import ProgressBar
from clientcare.window import (
    Days,
    Moment,
    day_number,
    parse_moment,
)


class RelationshipModel(KeptModel, BaseEstimator):  # type: ignore[misc]
    """Client or customer, staying or leaving: learned from the histories' own past, judged out of time.

    ``fit`` puts itself back to past dates whose horizon has been observed since, looks at each buyer
    as known then, and learns from what came after. A probability model (Pareto/NBD), a strongly
    regularised linear model and shallow boosted trees answer each question; the mean of their
    probabilities is the answer. A member counts less where it cannot know more: few buyers, few
    events. All are judged on the newest complete outcome beside the recency rule
    (:attr:`candidates_`), and the model says so when it does not beat it (:attr:`says_`).

    Parameters
    ----------
    horizon : str, int or Timedelta, whole days
        Churn is asked over [as_of, as_of + horizon).
    client : ClientDefinition, optional
        What a client is; default ``ClientDefinition()``, over the base's own time as known at the date of fitting.
    estimator : scikit-learn classifier, optional
        Takes the place of the boosted trees: LightGBM, XGBoost, a pipeline ... It meets NaN and must
        be able to. A model with one cannot be saved.
    effort : {"default", "quick", "thorough"}
        How many rows of past snapshots are held at once: 240,000, 60,000 or 800,000. With 15 snapshots the
        default has room for 16,000 buyers: of more, so many are drawn at random to learn from, and
        ``says_`` states how many of how many. All are scored, and all labels of the user's own teach.
    random_state : int
    keep_levels : True, or names of attributes, optional
        Values of attributes of 20 buyers or more may stand in the model file as they are written: of these attributes,
        or of all. By default they stand there as digests, and reasons take their words from the table at hand.
        Values of fewer buyers never stand there.

    Attributes
    ----------
    candidates_ : DataFrame
        What was tried: target, candidate, weight in the blend, and how it did as of the newest
        snapshot with a complete outcome, fitted on what was known then: log_loss with its standard
        error over buyers, and its gain over recency.
    level_ : DataFrame
        The level of the coming horizon by question: the shift of the log-odds by the season, how much
        last year counts (0: the history cannot tell), and how far the level may still be off (90 %).
    training_ : DataFrame
        The snapshots learned from: target, as_of, n_buyers, base_rate.
    says_ : list of str
        What a reader should know before believing the scores.
    model_id_ : str
        A fingerprint of everything that was learned.
    as_of_ : Timestamp
        Nothing at or after it was seen.
    n_buyers_ : int
        How many buyers known at ``as_of_`` were learned from.

    Examples
    --------
    >>> from clientcare.model import RelationshipModel
    >>> RelationshipModel(horizon="30D").get_params()["effort"]
    'default'
    """

    def __init__(
        self,
        horizon: Days = "90D",
        client: ClientDefinition | None = None,
        estimator: Any = None,
        effort: str = "default",
        random_state: int = 0,
        keep_levels: bool | Sequence[str] | None = None,
    ) -> None:
        self.horizon = horizon
        self.client = client
        self.estimator = estimator
        self.effort = effort
        self.random_state = random_state
        self.keep_levels = keep_levels

    # ---- learning -------------------------------------------------------------------------------------------------

    def fit(
        self, histories: Histories, as_of: Moment | None = None, labels: pd.Series[Any] | None = None
    ) -> Self:
        """Learn from what happened before ``as_of``.

        Parameters
        ----------
        histories : Histories
        as_of : date, optional
            Nothing at or after it is seen; default, and the latest: the end of what was observed. Where that
            was not stated, it is told from the facts known then: after an unusually long silence the data
            ended on the last day that holds any.
        labels : Series of bool indexed by buyer_id, optional
            The user's own list of who is a client now; outranks the definition. Buyers not in it teach
            nothing.

        Returns
        -------
        self

        Raises
        ------
        NotEnoughDataError
            Where fewer than two buyers are known at ``as_of``.
        OptionError, InputError
            Where a parameter or the labels make no sense.
        """
        check_options(self)
        asked = self._moment(histories, as_of)
        seen = histories.known_at(asked)
        moment = seen.observed_until
        self.as_of_ = moment
        self.churn_definition_ = ChurnDefinition(self.horizon)
        self.client_definition_ = (self.client or ClientDefinition()).fixed(seen, moment)
        with threadpool_limits(1), ProgressBar("Learning", n_steps=5) as bar:
            bar.at(0, "past dates")
            asked_of = (self.churn_definition_, self.client_definition_, self.effort, self.random_state)
            past = gather(seen, moment, *asked_of, self.keep_levels or ())
            require_several("RelationshipModel.fit", len(past.known), moment)
            lessons = Lessons(past, seen, moment, *asked_of, self.estimator)
            self._keep(lessons, labels, bar)
        self.model_id_ = self._fingerprint()
        return self

    def _keep(self, lessons: Lessons, labels: pd.Series[Any] | None, bar: ProgressBar) -> None:
        """Learn, and keep what was learned and how."""
        heads = lessons.heads(labels, bar)
        bar.at(4, "level, intervals, amounts")
        self.learned_ = lessons.learned(heads, labels)
        self.tables_ = self.learned_.tables
        self.n_buyers_ = len(lessons.past.buyers_now)
        judged = [head.candidates for head in heads.values()]
        self.candidates_ = pd.concat(
            [table for table in judged if len(table)] or judged[:1], ignore_index=True
        )
        self.training_ = lessons.training()
        self.says_ = lessons.says(self.learned_, heads, self.training_)
        if labels is not None and (n_strange := int((~labels.index.isin(lessons.past.known)).sum())):
            self.says_.append(
                f"{n_strange:,} of {len(labels):,} labels name no buyer known at as_of: they taught nothing."
            )

    def _moment(self, histories: Histories, as_of: Moment | None) -> pd.Timestamp:
        require_histories(histories, "RelationshipModel")
        return histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)

    @property
    def level_(self) -> pd.DataFrame:
        """The level of the horizon after ``as_of_``; see the class."""
        check_is_fitted(self, "model_id_")
        return level_table(self.learned_.levels, day_number(self.as_of_))

    # ---- scoring --------------------------------------------------------------------------------------------------

    def score(
        self,
        histories: Histories,
        as_of: Moment | None = None,
        labels: pd.Series[Any] | None = None,
        output: str = "pandas",
    ) -> Any:
        """The book: what the model says of every buyer known at a date.

        A buyer's row depends on that buyer's own history alone, so a history may be scored in parts.

        Parameters
        ----------
        histories : Histories
        as_of : date, optional
            Nothing at or after it is seen; default: the end of what was observed.
        labels : Series of bool indexed by buyer_id, optional
            The user's own list of who is a client now. It outranks what was learned for those who are here
            (``client_probability`` 1 or 0, ``evidence`` says so); of those who are gone, listed clients are former
            clients. Nothing of it is kept in the model.
        output : {"pandas", "polars", "arrow"}
            The form of the book; as a polars frame or an arrow table it has ``buyer_id`` as its first column.

        Returns
        -------
        DataFrame of shape (n_buyers known, 25), indexed by buyer_id
            ``relationship`` (client, customer), ``client_probability``, ``status`` (active, quiet, gone: a rule over
            facts) with ``status_since``, ``stage`` (the truth table for those who are here; new buyer, former client,
            former customer for the others), ``dependence`` (0 to 100, NaN where no sign can be seen) and
            ``depends_on`` (a sentence), ``evidence`` (what it rests on), ``churn_risk`` with ``churn_risk_low`` and
            ``churn_risk_high`` (90 %), ``expected_purchases``, ``next_purchase_due`` (by when half of the purchases of
            somebody with this rhythm and this silence come, if within one and a half horizons; never before ``as_of``; NaT:
            gone, or never bought), ``expected_spend`` (NaN: no amounts are known), ``spend_if_stays`` and ``at_stake``
            (what leaving within the horizon would cost, times the risk; ``expected_spend = spend_if_stays - at_stake``),
            ``overdue_ratio`` (days of silence over the usual gap, which is drawn towards that of all buyers where few gaps
            were seen; NaN: no gap), ``reason_1`` to ``reason_3``, ``as_of``,
            ``horizon_days``, ``model_id``; ``next_purchase_low`` and ``next_purchase_high``: between these dates nine of
            ten of the purchases that ``next_purchase_due`` speaks of come.

        Raises
        ------
        SchemaError
            Where a table that the model learned from was not given.
        InputError
            Where the labels hold anything but True and False, name a buyer twice, or name none of the buyers.

        Warns
        -----
        BeyondDataWarning
            Where ``as_of`` lies more than a horizon after the end of what was observed.
        """
        check_is_fitted(self, "model_id_")
        require_form(output)
        moment = self._ready(histories, as_of, "RelationshipModel.score")
        past = histories.until(moment)
        if labels is not None:
            labels = own_labels(labels, "RelationshipModel.score")
            require_some_named(labels, past.buyer_ids, "RelationshipModel.score")
        parts = in_parts(past, moment)
        if len(parts) == 1:
            return book_as(self._book(past, moment, labels), output)
        with ProgressBar("Scoring", n_steps=len(parts)) as bar:
            books = []
            for n_done, buyers in enumerate(parts):
                bar.at(n_done, f"{len(buyers):,} buyers")
                books.append(self._book(past.select(buyers), moment, labels))
        return book_as(pd.concat(books), output)

    def _book(self, past: Histories, moment: pd.Timestamp, labels: pd.Series[Any] | None) -> pd.DataFrame:
        with threadpool_limits(1), ProgressBar("Scoring", n_steps=2) as bar:
            bar.at(0, "features")
            table = columns_of(past, moment, self.churn_definition_.horizon_days)
            bar.at(1, "scores and reasons")
            X = self.learned_.encoding.transform(table)
            levels = self.learned_.encoding.words(table)
            return self.learned_.book(X, past, table.index, moment, self.model_id_, labels, levels)

    def outlook(self, book: pd.DataFrame, unlike: Iterable[str] = ()) -> Outlook:
        """How good this book will prove to be: what to expect of it, with bands that past dates have earned.

        Parameters
        ----------
        book : DataFrame
            What :meth:`score` returned, of all buyers: figures of a part speak of the part.
        unlike : iterable of str, optional
            What :meth:`unlike` said of the histories behind it.

        Returns
        -------
        Outlook

        Raises
        ------
        InputError
            Where it is no book.

        Examples
        --------
        >>> from clientcare.datasets import load_retailer
        >>> histories = load_retailer()
        >>> model = RelationshipModel(effort="quick").fit(histories)
        >>> outlook = model.outlook(model.score(histories))
        >>> low, expected, high = outlook.figures.loc["leavers", ["low", "expected", "high"]]
        >>> bool(low < expected < high)
        True
        """
        check_is_fitted(self, "model_id_")
        if not isinstance(book, pd.DataFrame) or "churn_risk" not in book:
            raise InputError("RelationshipModel.outlook: no book. Give what model.score returned.")
        return Outlook.of(book, self.learned_.trust, unlike)

    def unlike(self, histories: Histories, as_of: Moment | None = None) -> list[str]:
        """In what the base at a date is unlike all dates learned from, with what to do; empty where it is not.

        Compared are purchases, newcomers, terms and contacts just before the date.

        Parameters
        ----------
        histories : Histories
        as_of : date, optional
            Default: the end of what was observed.

        Returns
        -------
        list of str

        Examples
        --------
        >>> from clientcare.datasets import load_retailer
        >>> histories = load_retailer()
        >>> RelationshipModel(effort="quick").fit(histories).unlike(histories)
        []
        """
        check_is_fitted(self, "learned_")
        moment = self._moment(histories, as_of)
        return self.learned_.pulse.unlike(counts_at(histories, moment, self.churn_definition_.horizon_days))

    def _ready(self, histories: Histories, as_of: Moment | None, asker: str) -> pd.Timestamp:
        """The date, once it is sure that the histories hold what the model needs."""
        moment = self._moment(histories, as_of)
        require_tables(asker, self.tables_, tables_of(histories))
        warn_beyond_data(asker, moment, histories.observed_until, self.churn_definition_.horizon_days)
        return moment

    # ---- explaining -----------------------------------------------------------------------------------------------

    def explain(
        self, histories: Histories, buyers: Iterable[Any] | None = None, as_of: Moment | None = None
    ) -> Explanation:
        """What each buyer's scores are made of.

        The log-odds of churn and of being a client are split, exactly, into a base (the usual buyer)
        and one part for each theme; features that say the same thing are one theme. A part says what the
        model leans on, not what would happen if one acted on it.

        Parameters
        ----------
        histories : Histories
            All facts; what lies at or after ``as_of`` is not looked at.
        buyers : iterable of buyer_id, optional
            Whom to explain; default: all known at ``as_of``.
        as_of : date, optional
            Default: the end of what was observed.

        Returns
        -------
        Explanation
            ``churn`` and ``client``: DataFrames of shape (n_buyers, n_themes), log-odds.

        Raises
        ------
        InputError
            Where a buyer asked for is not known at ``as_of``, or a table that the model learned from was
            not given.
        """
        check_is_fitted(self, "model_id_")
        moment = self._ready(histories, as_of, "RelationshipModel.explain")
        past = histories.until(moment)
        if buyers is not None:
            past = past.select(known_ids(past, moment, buyers))
        with threadpool_limits(1):
            table = columns_of(past, moment, self.churn_definition_.horizon_days)
            X = self.learned_.encoding.transform(table)
            return self.learned_.explanation(X, table.index, moment, self.learned_.encoding.words(table))

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        given = self.get_params(deep=False).items()
        asked = [f"{name}={value!r}" for name, value in given if value is not None]
        if not hasattr(self, "model_id_"):
            return f"RelationshipModel({', '.join(asked)}), not fitted"
        return (
            f"RelationshipModel: churn within {self.churn_definition_.horizon_days} days, clients over "
            f"{self.client_definition_.horizon_days}; learned as of {self.as_of_:%Y-%m-%d} from {self.n_buyers_:,} buyers "
            f"({', '.join(self.tables_)}), effort {self.effort}; model {self.model_id_}"
        )
