"""The histories of all buyers: dated facts and attributes, parsed once, frozen, sorted once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import is_one_of, listed, require_one_of, shown
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError
from clientcare.facts.events import EventTable, frame_of, merged
from clientcare.facts.terms import known_by_then
from clientcare.history.door.aliases import Aliases
from clientcare.history.door.assembly import Assembly, assemble
from clientcare.history.door.attributes import KindTally
from clientcare.history.door.dates import check_date_format, check_timezone
from clientcare.history.door.ids import LARGEST_EXACT
from clientcare.history.door.intake import take_in
from clientcare.history.door.order_totals import AmountsRead
from clientcare.history.door.orders import check_statuses
from clientcare.history.door.quality import SET_ASIDE, Finding, quality_table
from clientcare.history.door.rates import Rates
from clientcare.history.door.schema import SCHEMAS, ColumnMap, check_column_map, schema_of
from clientcare.history.door.sheets import Door
from clientcare.history.door.troubles import of_each
from clientcare.history.door.words import kind_words
from clientcare.history.observed import believed_until, observed_stretch
from clientcare.window import Moment, microseconds, parse_moment

DATED = ("transactions", "interactions", "contracts")


class Histories:
    """All dated facts of all buyers, as they can be trusted.

    Tables are read once and never again: what the caller does to them later changes nothing here. Rows that
    cannot be used are set aside and counted in :attr:`quality`; nothing is dropped or mended in silence.

    Parameters
    ----------
    transactions : table, optional
        ``buyer_id``, ``timestamp``, and where known ``amount`` (above zero a purchase, below zero a return,
        zero neither, missing a purchase of unknown amount), ``quantity``, ``unit_price`` (times ``quantity`` where
        there is no ``amount``), ``list_price`` (of a unit), ``discount`` (of the line; zero: none, empty: unknown),
        ``order_id``, ``product_id``, ``category``, ``channel``, ``currency``,
        ``status`` (of the order: cancelled, pending, ...) with ``status_at``, ``recorded_at``.
    interactions : table, optional
        ``buyer_id``, ``timestamp``, and where known ``kind``, ``direction`` (inbound: the buyer started;
        outbound: the seller; mutual), ``status`` (kept, missed, scheduled), ``topic``, ``owner``,
        ``channel``, ``satisfaction``, ``minutes``, ``response_hours``, ``resolution_hours``, ``answered``,
        ``resolved``, ``answered_at``, ``closed_at``, ``recorded_at``.
    contracts : table, optional
        ``buyer_id``, ``start``, and where known ``end`` (scheduled; missing is open-ended), ``cancelled_at`` (the service
        ends; known from then on, or from ``notice_at`` where notices are recorded), ``notice_at``,
        ``amount`` (a month), ``contract_id``, ``kind``, ``plan``, ``cancel_reason`` (why it was ended, in the buyer's or
        the seller's words: for the loss book alone), ``recorded_at``.
    buyers : table, optional
        ``buyer_id`` once, and any static attributes.
    columns : mapping of table to mapping of their name to ours, optional
        ``{"transactions": {"Customer ID": "buyer_id"}}``; their name to None leaves a column out.
    timezone : str or tzinfo, optional
        The zone of the seller's wall clock. Needed where moments have a zone; moments without one are on it.
    observed_from, observed_until : moment, optional
        The stretch in which the data is complete, the end exclusive. By default from the first day to the
        day after the last on which the tables are still dense (transactions and interactions; of contract starts
        where there are only contracts): few rows dated ahead are told apart. Rows from a stated
        ``observed_until`` on are set aside.
    on_bad_rows : {"quarantine", "raise"}
        Set rows aside that cannot be used, or refuse the table.
    date_format : str or mapping of table to str, optional
        How texts write dates, as in ``strptime`` (``"%d/%m/%Y %H:%M"``), or what numbers count (``"seconds"`` or
        ``"milliseconds"`` since 1970 in UTC, ``"spreadsheet"`` for the days of one); by default as in ISO 8601.
    kinds : mapping of str to str, optional
        Further words for kinds of interactions: ``{"coffee": "check_in"}``.
    satisfaction_scale : pair of float, optional
        The lowest and the highest answer, ``(1, 5)``; by default 0 to 1.
    exact_copies : {"set_aside", "keep"}
        What to do with rows that equal an earlier row in every column that is read.
    isolated_dates : {"set_aside", "keep"}
        What to do with a few rows that lie years after all others, most likely slips of the pen. The whole
        table is judged, so more rows of those years, should they come, bring them back; ``"keep"`` rules
        that out.
    decimal : {".", ","}, optional
        What parts the decimals of numbers that are texts; thousands and currency signs are then read over
        (``"1.234,50 EUR"`` with ``","``). By default texts are plain numbers as in ``"1234.5"``.
    ids : {"exact", "fold"}
        ``"fold"`` takes ids for one that differ in capitals, blanks, invisible signs or Unicode form alone;
        by default these are counted. Whole numbers written as decimals (``"1001.0"``) are these numbers.
    guests : {"set_aside", "keep"}
        What to do with accounts that stand for whoever came by (guest, walk-in, cash customer).
    statuses : mapping of str to str, optional
        Further words for the ``status`` of orders: ``{"parked": "never"}``; ``"never"`` (no purchase at any
        time), ``"withdrawn"`` (none from ``status_at`` on) or ``"stands"``.
    currency : str, optional
        The currency whose rows count, where a column ``currency`` holds several; those of others are set aside.
    rates : mapping of str to float, or DataFrame, optional
        What one unit of each other currency is worth in ``currency``; a table has columns ``currency``, ``rate`` and,
        where rates move, ``timestamp`` (a rate holds from then on). Rows without a rate are set aside.
    merge_ids : mapping of id to id, or DataFrame, optional
        Accounts that are one buyer: ``{"a2": "a1"}`` reads every row of a2 as one of a1. A table has columns ``alias``,
        ``buyer_id`` and, where an account changes hands (or is split), ``since``: rows of the alias from that
        moment on are the buyer's.
    accounts : {"own", "parent"}
        ``"parent"`` rolls every account up to the ``parent_id`` that ``buyers`` state for it, to the top.
    amounts : {"auto", "line", "order"}
        Whether ``amount`` is that of the line, or the total of the order (``order_id``) on each of its lines;
        by default the orders of several lines tell, each read as those known at its own moment say.
    ends : {"auto", "scheduled", "paid_until"} or moment
        Whether ``end`` is an agreed end, or until when somebody had paid when the table was exported (at that moment;
        default: the end of the observed stretch), which is read as an open end. By default the table tells.

    lasting_attributes : str or iterable of str
        Attributes of ``buyers`` that held at every date, whatever they look like (names; in one text parted by commas).
        Others that follow from who is here at the export are no features.

    Attributes
    ----------
    buyer_ids : Index, named buyer_id
        All buyers with a dated fact, sorted; whole numbers or texts.
    buyers : DataFrame or None
        Static attributes in the order of ``buyer_ids``.
    attributes_of_today : tuple of str
        Those of them that say who is here at the export (``quality`` says how that was seen): they may group buyers, and
        are no features.
    observed_from, observed_until : Timestamp without a zone
        The observed stretch.
    timezone : str or None
        The seller's zone.
    quality : DataFrame
        What was found: ``table``, ``rule``, ``n_rows``, ``action``, ``first_rows`` (numbers from 0, five at
        most).
    rows : DataFrame, indexed by table
        ``rows_in``, ``rows_kept`` and ``rows_set_aside``.
    says : tuple of str
        What heads everything: tables that share no buyer, and how much was set aside where it is more than a
        hundredth of the rows or of the money.
    holes : DataFrame
        Stretches without a row that chance does not explain: ``table``, ``first_day``, ``day_after``. The model
        learns from no past date whose horizon lies over one of the transactions.
    ignored_columns : dict of table to tuple of str
        Columns that bear none of our names and were not read; map those that mean the same.

    Raises
    ------
    SchemaError
        Where a column is missing or cannot be read.
    BadRowsError
        Where rows cannot be used, with ``on_bad_rows="raise"``.
    OptionError
        Where an option makes no sense.
    NotEnoughDataError
        Where no row can be used.

    Examples
    --------
    >>> orders = pd.DataFrame({"who": ["00004", "00004", None], "amount": [9, -2, 1]})
    >>> orders["timestamp"] = "2024-01-31"
    >>> histories = Histories(orders, columns={"transactions": {"who": "buyer_id"}})
    >>> list(histories.buyer_ids)
    ['00004']
    >>> histories.quality[["rule", "n_rows"]].to_dict("records")
    [{'rule': 'missing_buyer', 'n_rows': 1}, {'rule': 'return', 'n_rows': 1}]
    """

    def __init__(
        self,
        transactions: Any = None,
        interactions: Any = None,
        contracts: Any = None,
        buyers: Any = None,
        *,
        columns: ColumnMap | None = None,
        timezone: str | tzinfo | None = None,
        observed_from: Moment | None = None,
        observed_until: Moment | None = None,
        on_bad_rows: str = "quarantine",
        date_format: str | Mapping[str, str] | None = None,
        kinds: Mapping[str, str] | None = None,
        satisfaction_scale: tuple[float, float] | None = None,
        exact_copies: str = "set_aside",
        isolated_dates: str = "set_aside",
        decimal: str | None = None,
        ids: str = "exact",
        guests: str = "set_aside",
        statuses: Mapping[str, str] | None = None,
        currency: str | None = None,
        amounts: str = "auto",
        rates: Mapping[str, float] | pd.DataFrame | None = None,
        merge_ids: Mapping[Any, Any] | pd.DataFrame | None = None,
        accounts: str = "own",
        ends: str | Moment = "auto",
        lasting_attributes: str | Iterable[str] = (),
    ) -> None:
        tables = {
            "transactions": transactions,
            "interactions": interactions,
            "contracts": contracts,
            "buyers": buyers,
        }
        if all(tables[name] is None for name in DATED):
            raise InputError("Histories: no table given. Give transactions, interactions or contracts.")
        require_one_of("on_bad_rows", on_bad_rows, ("quarantine", "raise"))
        require_one_of("exact_copies", exact_copies, ("set_aside", "keep"))
        require_one_of("isolated_dates", isolated_dates, ("set_aside", "keep"))
        if decimal is not None:
            require_one_of("decimal", decimal, (".", ","))
        require_one_of("ids", ids, ("exact", "fold"))
        require_one_of("guests", guests, ("set_aside", "keep"))
        if not isinstance(amounts, AmountsRead):
            require_one_of("amounts", amounts, ("auto", "line", "order"))
        require_one_of("accounts", accounts, ("own", "parent"))
        if currency is not None and not isinstance(currency, str):
            raise OptionError("currency: must be the code of one currency, for instance 'EUR'.")
        kind_words(kinds)
        self.timezone = check_timezone(timezone)
        first = None if observed_from is None else parse_moment(observed_from, self.timezone, "observed_from")
        last = (
            None if observed_until is None else parse_moment(observed_until, self.timezone, "observed_until")
        )
        if first is not None and last is not None and first >= last:
            raise OptionError("observed_from must be before observed_until.")
        door = Door(
            strict=on_bad_rows == "raise",
            timezone=self.timezone,
            date_formats=_checked_formats(date_format),
            observed_from=None if first is None else microseconds(first),
            observed_until=None if last is None else microseconds(last),
            exact_copies=exact_copies,
            isolated_dates=isolated_dates,
            kinds=dict(kinds or {}),
            satisfaction_scale=_checked_scale(satisfaction_scale),
            decimal=decimal,
            ids=ids,
            guests=guests,
            statuses=check_statuses(statuses),
            currency=currency,
            amounts=amounts,
            rates=Rates.of(rates, currency),
            aliases=Aliases.of(merge_ids, ids),
            accounts=accounts,
            ends=_checked_ends(ends, self.timezone),
            lasting=_checked_names(lasting_attributes),
        )
        mapping = check_column_map(columns)
        for name in mapping:
            if tables[name] is None:
                raise OptionError(f"columns: maps columns of {name!r}, but no {name} were given.")
        given = of_each(
            lambda name, frame: take_in(name, frame, mapping.get(name, {})),
            {name: frame for name, frame in tables.items() if frame is not None},
        )
        found = assemble(given, door)
        if not len(found.buyer_ids):
            raise NotEnoughDataError(_nothing_left(found))
        self.buyer_ids = found.buyer_ids
        self._note_referrers(found)
        self.buyers = found.attributes
        self._written = found.written
        self.attributes_of_today = found.of_today
        self._events = found.events
        self._set_aside = found.set_aside
        self.quality = quality_table(found.findings)
        self.rows = found.rows
        self.ignored_columns = {name: table.ignored for name, table in given.items() if table.ignored}
        self.observed_from = found.first_day if first is None else first
        self._finds_first_day = first is None
        self.observed_until = found.day_after_last if last is None else last
        self._finds_last_day = last is None
        self.holes = found.holes
        self.says = tuple(found.says)

    def _note_referrers(self, found: Assembly) -> None:
        """Count buyers whose ``referred_by`` names nobody here."""
        if found.attributes is None or "referred_by" not in found.attributes:
            return
        named = found.attributes["referred_by"]
        strange = np.flatnonzero(named.notna())[self.positions_of(named.dropna()) < 0]
        if len(strange):
            words = "kept: came by a referral, whose sender is none of the buyers"
            found.findings.append(Finding("buyers", "unknown_referrer", len(strange), words, ()))

    def events(self, table: str) -> EventTable | None:
        """The events of a table as sorted arrays, or None where the table was not given.

        Raises
        ------
        OptionError
            Where there is no such table.
        """
        if not is_one_of(table, DATED):
            raise OptionError(f"events: no table {shown(table)}: there are {', '.join(DATED)}.")
        return self._events.get(table)

    @property
    def bills(self) -> EventTable | None:
        """Transactions that are payments of a contract, which are no purchases; None where none was found."""
        return self._events.get("bills")

    @property
    def transactions(self) -> pd.DataFrame | None:
        """The transactions kept, bills of contracts among them, sorted by buyer and time; None where none were given."""
        events, bills = self._events.get("transactions"), self.bills
        if events is None or bills is None:
            return self._frame("transactions")
        return frame_of(merged(events, bills), self.buyer_ids)

    @property
    def interactions(self) -> pd.DataFrame | None:
        """The interactions kept, sorted by buyer and time; None where none were given."""
        return self._frame("interactions")

    @property
    def contracts(self) -> pd.DataFrame | None:
        """The contracts kept, sorted by buyer and start; None where none were given."""
        frame = self._frame("contracts")
        if frame is None:
            return None
        frame = frame.rename(columns={"timestamp": "start"}).drop(columns="reason_at", errors="ignore")
        if "signed_at" in frame:
            recorded = frame.pop("recorded_at") if "recorded_at" in frame else frame["start"]
            frame["recorded_at"] = frame.pop("signed_at").fillna(recorded)
        return frame

    def set_aside(self, table: str) -> pd.DataFrame:
        """The rows of a table that were set aside, as given, each with its ``rule`` and ``row_number``.

        Raises
        ------
        OptionError
            Where there is no such table.
        """
        schema_of(table)
        if table not in self._set_aside:
            return pd.DataFrame({"rule": pd.Series(dtype=object), "row_number": pd.Series(dtype=np.int64)})
        return self._set_aside[table].copy()

    def until(self, moment: Moment) -> Histories:
        """What was known at a moment: facts before it, and of these only the values known by then.

        Contracts that were recorded by then and begin later stay; they are in force from their start on, not before.
        All buyers keep their place in ``buyer_ids``; ``quality`` still speaks of the whole tables. An ``observed_from``
        that was not stated is found among the facts known by then.
        """
        as_of = parse_moment(moment, self.timezone, "moment")
        cut = self._copy()
        cut._events = {
            name: known_by_then(events, microseconds(as_of))
            if name == "contracts"
            else events.before(microseconds(as_of))
            for name, events in self._events.items()
        }
        cut.buyers = cut.attributes_known(as_of)
        cut.observed_until = min(self.observed_until, as_of)
        cut.holes = self.holes[self.holes["day_after"] < as_of]
        if self._finds_first_day and any(events.n_rows for events in cut._events.values()):
            cut.observed_from = observed_stretch(cut._events)[0]
        return cut

    def attributes_known(self, as_of: pd.Timestamp) -> pd.DataFrame | None:
        """The attributes as the buyers with a fact before a date say they are: number, yes or no, date, words.

        Buyers who come later have no say in it.
        """
        if self.buyers is None or self._written is None or not self._written.cells:
            return self.buyers
        known = self._known(as_of)
        return self.buyers if known.all() else self._written.as_known(self.buyers, known)

    def attribute_tallies(self, as_of: pd.Timestamp) -> dict[str, KindTally]:
        """What the attributes written as texts are, counted among the buyers with a fact before a date."""
        return {} if self._written is None else self._written.tallies(self._known(as_of))

    def _known(self, as_of: pd.Timestamp) -> NDArray[np.bool_]:
        known = np.zeros(len(self.buyer_ids), dtype=bool)
        for events in self._events.values():
            known[
                events.buyer[(events.time if events.known is None else events.known) < microseconds(as_of)]
            ] = True
        return known

    def attributes_for_features(self, as_of: pd.Timestamp) -> pd.DataFrame | None:
        """The attributes as known at a date without those of today, which tell past dates what came later."""
        known = self.attributes_known(as_of)
        return None if known is None else known.drop(columns=[*self.attributes_of_today], errors="ignore")

    def known_at(self, as_of: Moment) -> Histories:
        """What somebody knew who asked at ``as_of``: :meth:`until`, and observed as far as could be told then.

        Whether anything came later cannot have been known, so an ``observed_until`` that was not stated is
        found among the facts known by then: they reach up to ``as_of``, unless everything had been silent for
        longer than it usually is; then the data must have ended before.
        """
        moment = parse_moment(as_of, self.timezone)
        cut = self.until(moment)
        if self._finds_last_day and any(events.n_rows for events in cut._events.values()):
            cut.observed_until = believed_until(cut._events, moment)
        return cut

    def select(self, buyer_ids: Iterable[Any]) -> Histories:
        """The histories of some buyers alone.

        Raises
        ------
        OptionError
            Where some are not there.
        """
        asked = pd.Index(listed("select", buyer_ids, "buyer ids"))
        positions = self.buyer_ids.get_indexer(asked)
        n_unknown = int(np.count_nonzero(positions < 0))
        if n_unknown:
            raise OptionError(f"select: {n_unknown:,} of {len(asked):,} buyers are not in these histories.")
        places = np.unique(positions).astype(np.int64)
        chosen = self._copy()
        chosen.buyer_ids = self.buyer_ids[places]
        chosen.buyers = None if self.buyers is None else self.buyers.iloc[places]
        chosen._written = None if self._written is None else self._written.of(places)
        chosen._events = {name: events.select(places) for name, events in self._events.items()}
        chosen._finds_first_day = chosen._finds_last_day = False  # the stretch is that of all buyers
        return chosen

    def positions_of(self, names: Any) -> NDArray[np.int64]:
        """Where texts or numbers that should name buyers stand in ``buyer_ids``; -1 for who is none of them.

        7, 7.0 and "7" are the same name where buyers are numbers; a text that is no number names nobody then.

        Examples
        --------
        >>> orders = pd.DataFrame({"buyer_id": [7, 8], "timestamp": "2024-01-31", "amount": 1.0})
        >>> Histories(orders).positions_of(["8", "facebook", 7.0]).tolist()
        [1, -1, 0]
        """
        asked = pd.Series(list(names), dtype=object)
        if pd.api.types.is_integer_dtype(self.buyer_ids.dtype):
            numbers = pd.to_numeric(asked, errors="coerce").to_numpy(dtype=np.float64)
            whole = np.isfinite(numbers) & (np.floor(numbers) == numbers) & (np.abs(numbers) < LARGEST_EXACT)
            found = self.buyer_ids.get_indexer(pd.Index(np.where(whole, numbers, 0.0).astype(np.int64)))
            return np.where(whole, found, -1).astype(np.int64)
        texts = [name.removesuffix(".0") if isinstance(name, str) else str(name) for name in asked]
        exact = self.buyer_ids.get_indexer(pd.Index([str(name) for name in asked], dtype=object))
        plain = self.buyer_ids.get_indexer(pd.Index(texts, dtype=object))
        return np.where(exact >= 0, exact, plain).astype(np.int64)

    def holes_in(self, table: str) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        """The holes in the records of a table: the first day of each, and the first day after it."""
        own = self.holes[self.holes["table"] == table]
        return list(zip(own["first_day"], own["day_after"], strict=True))

    def _frame(self, table: str) -> pd.DataFrame | None:
        events = self._events.get(table)
        return None if events is None else frame_of(events, self.buyer_ids)

    def _copy(self) -> Histories:
        twin = object.__new__(Histories)
        twin.__dict__.update(self.__dict__)
        return twin

    def __repr__(self) -> str:
        counts = ", ".join(f"{events.n_rows:,} {name}" for name, events in self._events.items())
        n_unread = sum(map(len, self.ignored_columns.values()))
        return (
            f"Histories of {len(self.buyer_ids):,} buyers: {counts}; "
            f"observed from {self.observed_from:%Y-%m-%d} until {self.observed_until:%Y-%m-%d}"
            + (f"; {n_unread:,} columns not read, see ignored_columns" if n_unread else "")
            + "".join(f"\n{sentence}" for sentence in self.says)
        )

    def _repr_html_(self) -> str:
        findings = self.quality[["table", "rule", "n_rows", "action"]].astype({"n_rows": object})
        lines = [
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in findings.to_numpy().tolist()
        ]
        head = "<tr><th>table</th><th>rule</th><th>rows</th><th>what was done</th></tr>"
        return f"<p>{escape(repr(self))}</p><table>{head}{''.join(lines)}</table>"


def require_histories(histories: Any, asker: str) -> None:
    """Refuse what are no histories.

    Raises
    ------
    InputError
    """
    if not isinstance(histories, Histories):
        raise InputError(
            f"{asker}: Histories are needed, found {type(histories).__name__}.\n"
            "Make them at the door: Histories(transactions, ...) or read_histories('orders.csv')."
        )


def _checked_formats(date_format: str | Mapping[str, str] | None) -> dict[str, str]:
    if date_format is None:
        return {}
    if not isinstance(date_format, Mapping):
        date_format = dict.fromkeys(SCHEMAS, date_format)
    formats = dict(date_format)
    for table, form in formats.items():
        schema_of(table)
        check_date_format(form)
    return formats


def _checked_ends(ends: Any, timezone: str | None) -> str | int:
    if is_one_of(ends, ("auto", "scheduled", "paid_until")):
        return str(ends)
    return microseconds(parse_moment(ends, timezone, "ends"))


def _checked_names(names: str | Iterable[str]) -> frozenset[str]:
    given = names.split(",") if isinstance(names, str) else listed("lasting_attributes", names, "names")
    if not all(isinstance(name, str) for name in given):
        raise OptionError("lasting_attributes: must be names of attributes, for instance ['region'].")
    return frozenset(name.strip() for name in given if name.strip())


def _checked_scale(scale: tuple[float, float] | None) -> tuple[float, float] | None:
    if scale is None:
        return None
    try:
        low, high = (float(end) for end in scale)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not low < high:
        raise OptionError(
            "satisfaction_scale: must be the lowest and the highest answer, for instance (1, 5)."
        )
    return low, high


def _nothing_left(found: Assembly) -> str:
    counts = ", ".join(f"{name} {int(rows):,}" for name, rows in found.rows["rows_in"].items())
    broken = [one for one in found.findings if one.action == SET_ASIDE]
    rules = ", ".join(f"{one.table} {one.rule} {one.n_rows:,}" for one in broken)
    why = f"; set aside: {rules}" if rules else ""
    return (
        f"Histories: no row can be used (rows given: {counts}{why}).\n"
        "Give at least one row with a buyer and a date."
    )
