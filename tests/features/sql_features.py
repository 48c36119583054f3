"""Features said a second time, in SQL: written from the catalogue's words, sharing no code with the library."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from clientcare.facts.events import frame_of
from clientcare.history import Histories

PURCHASES = """
WITH known AS (
    SELECT buyer_id, CAST(timestamp AS DATE) AS d, CASE WHEN isnan(amount) THEN NULL ELSE amount END AS amount,
           CASE WHEN isnan(quantity) THEN NULL ELSE quantity END AS quantity, category, product_id, order_id
    FROM transactions WHERE known_at < $as_of
), bought AS (SELECT * FROM known WHERE amount IS NULL OR amount > 0),
days AS (
    SELECT buyer_id, d, sum(amount) AS spent, sum(quantity) AS items, count(*) AS lines,
           date_diff('day', d, CAST($as_of AS DATE)) AS age
    FROM bought GROUP BY buyer_id, d
), seq AS (
    SELECT *, d - lag(d) OVER (PARTITION BY buyer_id ORDER BY d) AS gap,
           row_number() OVER (PARTITION BY buyer_id ORDER BY d) AS i,
           count(*) OVER (PARTITION BY buyer_id) AS n,
           row_number() OVER (PARTITION BY buyer_id ORDER BY spent IS NULL, d) AS j,
           count(spent) OVER (PARTITION BY buyer_id) AS m
    FROM days
), base AS (
    SELECT buyer_id,
        min(age) AS days_since_last_purchase,
        max(age) AS days_since_first_purchase,
        max(age) - min(age) AS days_first_to_last_purchase,
        min(age) FILTER (i = n - 1) AS days_since_previous_purchase,
        min(gap) FILTER (i = 2) AS days_first_to_second_purchase,
        count(*) AS n_purchases,
        count(*) - 1 AS n_repeat_purchases,
        sum(lines) AS n_purchase_lines,
        sum(lines) / count(*) AS lines_per_purchase,
        CASE WHEN max(age) > 0 THEN min(age) / max(age) END AS silence_share_of_age,
        avg(gap) AS gap_days_mean,
        median(gap) AS gap_days_median,
        stddev_samp(gap) AS gap_days_sd,
        min(gap) AS gap_days_min,
        max(gap) AS gap_days_max,
        min(gap) FILTER (i = n) AS gap_days_last,
        min(gap) FILTER (i = n - 1) AS gap_days_last_but_one,
        avg(gap) FILTER (i > n - 3) AS gap_days_mean_last_three,
        stddev_samp(ln(gap)) AS log_gap_sd,
        min(age) / avg(gap) AS overdue_mean_ratio,
        min(age) / median(gap) AS overdue_ratio,
        min(age) / max(gap) AS overdue_longest_ratio,
        min(age) - median(gap) AS days_overdue,
        greatest(coalesce(max(gap), 0), min(age)) AS longest_silence_days,
        count(*) FILTER (isodow(d) >= 6) / count(*) AS weekend_purchase_share,
        count(*) FILTER (month(d) >= 11) / count(*) AS year_end_purchase_share,
        count(DISTINCT greatest(age - 1, 0) // 365) AS n_active_years,
        (365 - max(age) % 365) % 365 AS days_to_anniversary,
        sum(spent) AS total_spent,
        avg(spent) AS purchase_amount_mean,
        stddev_samp(spent) AS purchase_amount_sd,
        max(spent) AS purchase_amount_max,
        min(spent) AS purchase_amount_min,
        min(spent) FILTER (j = m) AS purchase_amount_last,
        min(spent) FILTER (j = 1) AS purchase_amount_first,
        max(spent) / sum(spent) AS largest_purchase_share,
        sum(spent) * 30 / greatest(max(age), 30) AS spent_per_month,
        sum(ln(spent)) AS purchase_log_amount_sum,
        avg(ln(spent)) AS purchase_log_amount_mean,
        stddev_samp(ln(spent)) AS purchase_log_amount_sd,
        avg(spent) FILTER (j > m // 2 AND spent IS NOT NULL AND m > 1)
            / avg(spent) FILTER (j <= m // 2 AND spent IS NOT NULL) AS purchase_amount_change_ratio,
        sum(items) AS n_items,
        count(*) FILTER (age <= 7) AS n_purchases_7d,
        count(*) FILTER (age <= 30) AS n_purchases_30d,
        count(*) FILTER (age <= 90) AS n_purchases_90d,
        count(*) FILTER (age > 90 AND age <= 180) AS n_purchases_90d_before,
        count(*) FILTER (age > 180 AND age <= 270) AS n_purchases_90d_two_before,
        count(*) FILTER (age <= 30) - count(*) FILTER (age > 30 AND age <= 60) AS n_purchases_30d_change,
        count(DISTINCT CASE WHEN age <= 20 THEN 3 WHEN age <= 40 THEN 2 WHEN age <= 60 THEN 1 END)
            AS n_active_thirds_60d,
        count(*) * 90 / greatest(max(age), 90) AS purchases_per_90d,
        sum(pow(2, -age / 30.0)) AS n_purchases_decayed_30d,
        sum(pow(2, -age / 365.0)) AS n_purchases_decayed_365d,
        count(DISTINCT greatest(age - 1, 0) // 30) AS n_active_periods_30d,
        count(DISTINCT greatest(age - 1, 0) // 14) / (greatest(max(age) - 1, 0) // 14 + 1)
            AS active_period_share_14d,
        CASE WHEN max(age) >= 365 THEN count(*) FILTER (age <= 365 AND age > 275) END
            AS n_purchases_90d_year_ago,
        CASE WHEN count(spent) > 0 OR count(*) FILTER (age <= 90) = 0
            THEN coalesce(sum(spent) FILTER (age <= 90), 0) END AS spent_90d,
        coalesce(sum(spent) FILTER (age <= 180), 0) / sum(spent) AS spent_180d_share
    FROM seq GROUP BY buyer_id
), outlasted AS (
    SELECT buyer_id, count(*) FILTER (gap < days_since_last_purchase) / count(*) AS share_of_gaps_outlasted
    FROM seq JOIN base USING (buyer_id) WHERE gap IS NOT NULL GROUP BY buyer_id
), returned AS (
    SELECT buyer_id, count(*) AS n_returns, -sum(amount) AS returned_amount,
           min(date_diff('day', d, CAST($as_of AS DATE))) AS days_since_last_return
    FROM known WHERE amount < 0 GROUP BY buyer_id
), pairs AS (
    SELECT buyer_id, category, count(*) AS k, max(date_diff('day', d, CAST($as_of AS DATE))) AS first_age,
           min(date_diff('day', d, CAST($as_of AS DATE))) AS last_age
    FROM bought WHERE category IS NOT NULL GROUP BY buyer_id, category
), shares AS (SELECT *, k / sum(k) OVER (PARTITION BY buyer_id) AS p FROM pairs),
categories AS (
    SELECT buyer_id, count(*) AS n_categories, count(*) FILTER (last_age <= 90) AS n_categories_90d,
           -sum(p * ln(p)) AS category_entropy, max(p) AS top_category_share,
           min(first_age) AS days_since_new_category
    FROM shares GROUP BY buyer_id
), orders AS (SELECT buyer_id, count(DISTINCT order_id) AS n_orders, count(DISTINCT product_id) AS n_products
    FROM bought GROUP BY buyer_id)
SELECT * FROM base LEFT JOIN outlasted USING (buyer_id) FULL JOIN returned USING (buyer_id)
    LEFT JOIN categories USING (buyer_id) LEFT JOIN orders USING (buyer_id)
"""
ZERO_WITHOUT = [
    *("n_purchases", "n_purchase_lines", "n_returns", "returned_amount", "n_categories", "n_categories_90d"),
    *("n_orders", "n_products", "n_purchases_7d", "n_purchases_30d", "n_purchases_90d", "n_active_years"),
    *("n_purchases_90d_before", "n_purchases_90d_two_before", "n_purchases_30d_change"),
    *("n_active_thirds_60d", "n_purchases_decayed_30d", "n_purchases_decayed_365d", "n_active_periods_30d"),
]
"""Counts of what a buyer under contract has not done yet: zero, not unknown."""

ZERO_STARTS = ("n_", "has_", "monthly")

CONTACTS = """
WITH known AS (
    SELECT *, date_diff('day', CAST(timestamp AS DATE), CAST($as_of AS DATE)) AS age,
           coalesce(closed_at < $as_of, resolved = 1) AS closed,
           CASE WHEN closed_at IS NULL OR closed_at < $as_of THEN nullif(satisfaction, 'nan'::DOUBLE) END AS rating
    FROM interactions WHERE known_at < $as_of AND coalesce(status, 'kept') NOT IN ('missed', 'scheduled')
      AND kind <> 'usage'
), seq AS (SELECT *, row_number() OVER (PARTITION BY buyer_id ORDER BY timestamp DESC) AS back FROM known)
SELECT buyer_id,
    count(*) AS n_contacts,
    count(*) FILTER (age <= 30) AS n_contacts_30d,
    count(*) FILTER (direction = 'outbound') AS n_outbound_contacts,
    count(*) FILTER (direction = 'inbound') AS n_inbound_contacts,
    count(*) FILTER (direction = 'mutual') AS n_mutual_contacts,
    min(age) AS days_since_last_contact,
    max(age) AS days_since_first_contact,
    min(age) FILTER (direction = 'inbound') AS days_since_last_inbound_contact,
    CASE WHEN count(*) > 1 THEN (max(age) - min(age)) / (count(*) - 1) END AS contact_gap_days_mean,
    count(*) FILTER (kind = 'complaint') AS n_complaints,
    count(*) FILTER (kind = 'complaint' AND NOT closed) AS n_open_complaints,
    count(*) FILTER (kind = 'referral') AS n_referrals_made,
    count(*) FILTER (kind IN ('check_in', 'call', 'meeting', 'visit') AND direction <> 'inbound'
                     AND coalesce(topic, '') <> 'sales') AS n_check_ins_kept,
    1 - count(*) FILTER (kind IN ('campaign', 'invoice') OR (topic = 'sales' AND direction <> 'inbound')) / count(*)
        AS non_sales_share,
    avg(rating) AS satisfaction_mean,
    min(rating) AS satisfaction_min,
    count(rating) AS n_ratings,
    count(DISTINCT kind) AS n_contact_kinds
FROM seq GROUP BY buyer_id
"""
CONTRACTS = """
WITH known AS (
    SELECT buyer_id, start, "end", amount,
        CASE WHEN coalesce(notice_at, cancelled_at) < $as_of THEN cancelled_at END AS cancelled_at,
        CASE WHEN coalesce(notice_at, cancelled_at) < $as_of THEN coalesce(notice_at, cancelled_at) END AS notice_at
    FROM contracts WHERE known_at < $as_of
), terms AS (
    SELECT *, CAST(least(coalesce(date_trunc('day', "end") + INTERVAL 1 DAY, TIMESTAMP '9999-01-01'),
                         coalesce(cancelled_at, TIMESTAMP '9999-01-01')) AS TIMESTAMP) AS stop
    FROM known)
SELECT buyer_id,
    count(*) AS n_contracts,
    count(*) FILTER (stop >= $as_of) AS n_contracts_in_force,
    CAST(bool_or(stop >= $as_of) AS INTEGER) AS has_contract_in_force,
    max(date_diff('day', start, CAST($as_of AS DATE))) AS days_since_first_contract,
    count(cancelled_at) AS n_contracts_cancelled,
    min(date_diff('day', notice_at, CAST($as_of AS DATE))) AS days_since_last_cancellation
FROM terms GROUP BY buyer_id
"""


def _rows_of(histories: Histories, table: str) -> pd.DataFrame | None:
    """A table as it counts: transactions without the bills of contracts, which are no purchases."""
    events = histories.events(table)
    if table != "transactions" or events is None:
        return getattr(histories, table)
    return frame_of(events, histories.buyer_ids)


def features_in_sql(histories: Histories, as_of: pd.Timestamp) -> pd.DataFrame:
    """The features above, one row a buyer known at the date, whole numbers and floats as float64."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    parts = []
    for table, query in (("transactions", PURCHASES), ("interactions", CONTACTS), ("contracts", CONTRACTS)):
        frame = _rows_of(histories, table)
        if frame is None:
            continue
        frame = frame.copy()
        moment = frame["start"] if table == "contracts" else frame["timestamp"]
        frame["known_at"] = (
            moment if "recorded_at" not in frame else frame[["recorded_at"]].assign(m=moment).max(axis=1)
        )
        for column in ("quantity", "category", "product_id", "order_id"):
            if table == "transactions" and column not in frame:
                frame[column] = np.nan if column == "quantity" else None
        if table == "contracts" and "notice_at" not in frame:
            frame["notice_at"] = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
        for column in ("closed_at", "satisfaction", "topic"):
            if table == "interactions" and column not in frame:
                frame[column] = {"closed_at": pd.NaT, "satisfaction": np.nan, "topic": None}[column]
        for column in frame.columns:
            if frame[column].dtype == object or str(frame[column].dtype) in ("str", "string"):
                frame[column] = frame[column].astype("string")
        connection.register(table, frame)
        result = connection.execute(query, {"as_of": as_of.to_pydatetime()}).df().set_index("buyer_id")
        parts.append((table, result))
    known = [result[result.filter(["n_purchases", "n_contracts"]).notna().any(axis=1)] for _, result in parts]
    buyers = sorted({buyer for result in known for buyer in result.index})
    index = pd.Index(buyers, name="buyer_id")
    frames = []
    for table, result in parts:
        result = result.reindex(index).astype(np.float64)
        counts = [
            c for c in result if c in ZERO_WITHOUT or (table != "transactions" and c.startswith(ZERO_STARTS))
        ]
        if table == "transactions":
            result.loc[result["n_purchases"].isna(), "spent_90d"] = 0.0
        frames.append(result.assign(**{column: result[column].fillna(0.0) for column in counts}))
    return pd.concat(frames, axis=1)
