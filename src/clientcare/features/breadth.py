"""Breadth: how many categories, products and channels a buyer uses, how evenly, and what is new lately."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clientcare.facts.runs import Floats, ratio
from clientcare.features.catalogue import feature
from clientcare.features.snapshot import Snapshot
from clientcare.features.steady import steady

LATELY = 90


def needs(column: str) -> tuple[str, str]:
    """The table and the column that a feature of breadth rests on."""
    return ("transactions", f"transactions.{column}")


def _breadth(column: str, unit: str, phrase: str, name: str, nan: str = "never") -> Callable[[Any], Any]:
    return feature("breadth", unit, needs=needs(column), nan=nan, phrase=phrase, name=name)


NO_CATEGORY, NO_PRODUCT, NO_CHANNEL = (
    f"no purchase with a known {what}" for what in ("category", "product", "channel")
)


@_breadth("category", "categories", "buys in {n_categories:.0f} categories", "n_categories")
@steady
def n_categories(at: Snapshot) -> Floats:
    """Distinct categories bought."""
    return at.codes("category").n_codes


@_breadth(
    "category",
    "categories",
    "bought in {n_categories_90d:.0f} categories in the last 90 days",
    "n_categories_90d",
)
def n_categories_lately(at: Snapshot) -> Floats:
    """Distinct categories bought in the last 90 days."""
    return _within(at, "category")


@_breadth(
    "category",
    "categories",
    "{n_new_categories_90d:.0f} new categories in the last 90 days",
    "n_new_categories_90d",
)
def n_new_categories_lately(at: Snapshot) -> Floats:
    """Categories bought for the first time in the last 90 days, by a buyer of longer standing."""
    return _new(at, "category")


@_breadth(
    "category", "nats", "spread over categories {category_entropy:.1f}", "category_entropy", NO_CATEGORY
)
@steady
def category_entropy(at: Snapshot) -> Floats:
    """Shannon entropy of a buyer's lines over categories; 0 = one category alone."""
    return at.codes("category").entropy


@_breadth(
    "category",
    "share",
    "{top_category_share:.0%} of lines in one category",
    "top_category_share",
    NO_CATEGORY,
)
@steady
def top_category_share(at: Snapshot) -> Floats:
    """Share of a buyer's lines in the commonest category."""
    return at.codes("category").top_share


@_breadth(
    "category",
    "categories",
    "left {n_categories_left:.0f} categories for more than 90 days",
    "n_categories_left",
)
def n_categories_left(at: Snapshot) -> Floats:
    """Categories once bought and not in the last 90 days."""
    return np.asarray(at.once(n_categories) - at.once(n_categories_lately))


@_breadth(
    "category",
    "days",
    "the last new category was {days_since_new_category:.0f} days ago",
    "days_since_new_category",
    NO_CATEGORY,
)
def days_since_new_category(at: Snapshot) -> Floats:
    """Days since a category was bought for the first time."""
    return np.asarray(at.today - at.once(_last_new_day, "category"))


@_breadth("product_id", "products", "bought {n_products:.0f} different products", "n_products")
@steady
def n_products(at: Snapshot) -> Floats:
    """Distinct products bought."""
    return at.codes("product_id").n_codes


@_breadth(
    "product_id", "products", "{n_products_90d:.0f} different products in the last 90 days", "n_products_90d"
)
def n_products_lately(at: Snapshot) -> Floats:
    """Distinct products bought in the last 90 days."""
    return _within(at, "product_id")


@_breadth(
    "product_id",
    "products",
    "{n_new_products_90d:.0f} new products in the last 90 days",
    "n_new_products_90d",
)
def n_new_products_lately(at: Snapshot) -> Floats:
    """Products bought for the first time in the last 90 days, by a buyer of longer standing."""
    return _new(at, "product_id")


@_breadth(
    "product_id",
    "share",
    "bought {rebought_product_share:.0%} of the products again",
    "rebought_product_share",
    NO_PRODUCT,
)
@steady
def rebought_product_share(at: Snapshot) -> Floats:
    """Share of the products bought that were bought on more than one day."""
    codes = at.codes("product_id")
    return ratio(codes.runs.tally(codes.first_age > codes.last_age), codes.n_codes)


@_breadth(
    "product_id", "share", "{top_product_share:.0%} of lines are one product", "top_product_share", NO_PRODUCT
)
@steady
def top_product_share(at: Snapshot) -> Floats:
    """Share of a buyer's lines that are the commonest product."""
    return at.codes("product_id").top_share


@_breadth("channel", "channels", "buys through {n_channels:.0f} channels", "n_channels")
@steady
def n_channels(at: Snapshot) -> Floats:
    """Distinct channels bought through."""
    return at.codes("channel").n_codes


@_breadth(
    "channel",
    "channels",
    "bought through {n_channels_90d:.0f} channels in the last 90 days",
    "n_channels_90d",
)
def n_channels_lately(at: Snapshot) -> Floats:
    """Distinct channels bought through in the last 90 days."""
    return _within(at, "channel")


@_breadth(
    "channel",
    "share",
    "{top_channel_share:.0%} of lines through one channel",
    "top_channel_share",
    NO_CHANNEL,
)
@steady
def top_channel_share(at: Snapshot) -> Floats:
    """Share of a buyer's lines through the commonest channel."""
    return at.codes("channel").top_share


def _within(at: Snapshot, column: str) -> Floats:
    return at.n_codes_within(column, LATELY)


@steady
def _last_new_day(at: Snapshot, column: str) -> Floats:
    """The day on which a code was first bought last; NaN without a known code."""
    codes = at.codes(column)
    return np.asarray(at.today - codes.runs.min(codes.first_age))


def _new(at: Snapshot, column: str) -> Floats:
    """Codes first bought lately; 0 for a buyer who is new altogether, to whom everything is new."""
    return np.where(at.age > LATELY, at.n_new_codes_within(column, LATELY), 0.0)
