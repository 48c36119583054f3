"""The options of the door, named and typed once for every function that reads tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from functools import wraps
from inspect import Parameter, signature
from typing import Any, TypedDict, TypeVar, cast

import pandas as pd

from clientcare.history.door.schema import did_you_mean
from clientcare.history.histories import Histories
from clientcare.window import Moment

F = TypeVar("F", bound=Callable[..., Any])


class DoorOptions(TypedDict, total=False):
    """Options of :class:`Histories` beside its tables and ``columns``, as other functions hand them on.

    Examples
    --------
    >>> import pandas as pd
    >>> options: DoorOptions = {"timezone": "Europe/Berlin", "ids": "fold"}
    >>> orders = pd.DataFrame({"buyer_id": ["Ann", "ann"], "timestamp": "2024-01-31", "amount": [9.0, 5.0]})
    >>> len(Histories(orders, **options).buyer_ids)
    1
    """

    timezone: str | tzinfo | None
    observed_from: Moment | None
    observed_until: Moment | None
    on_bad_rows: str
    date_format: str | Mapping[str, str] | None
    kinds: Mapping[str, str] | None
    satisfaction_scale: tuple[float, float] | None
    exact_copies: str
    isolated_dates: str
    decimal: str | None
    ids: str
    guests: str
    statuses: Mapping[str, str] | None
    currency: str | None
    amounts: str
    rates: Mapping[str, float] | pd.DataFrame | None
    merge_ids: Mapping[Any, Any] | pd.DataFrame | None
    accounts: str
    ends: str | Moment
    lasting_attributes: str | Iterable[str]


def shows_door_options(function: F) -> F:
    """A function whose signature names every option of the door, and that refuses a name which is none.

    Raises
    ------
    TypeError
        When called with an option that there is not.

    Examples
    --------
    >>> from clientcare import read_histories
    >>> "timezone" in signature(read_histories).parameters
    True
    """
    own = signature(function)
    stated = [one for one in own.parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
    at_the_door = [
        one
        for name, one in signature(Histories).parameters.items()
        if name in DoorOptions.__annotations__ and name not in own.parameters
    ]
    known = {one.name for one in (*stated, *at_the_door)}

    @wraps(function)
    def asked(*args: Any, **options: Any) -> Any:
        for name in options:
            if name not in known:
                raise TypeError(
                    f"{function.__name__}: no option {name!r}.{did_you_mean(name, sorted(known))}"
                )
        return function(*args, **options)

    asked.__signature__ = own.replace(parameters=[*stated, *at_the_door])  # type: ignore[attr-defined]
    return cast(F, asked)
