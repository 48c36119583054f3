"""Made-up rows under the headers and conventions of twenty public export formats, each with the mapping that is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

N_ROWS = 60


@dataclass(frozen=True)
class Export:
    """A file as a system writes it, and what a person who knows the system would say of it."""

    name: str
    write: Callable[[Path], None]
    table: str
    right: dict[str, str]
    """Our names to theirs, as far as there is one right answer."""
    options: dict[str, object] = field(default_factory=dict)
    asks: bool = False


def moments(form: str, days: int = 400) -> list[str]:
    """Sixty moments of a bit more than a year."""
    random = np.random.default_rng(7)
    start = pd.Timestamp("2024-01-03 08:10:00")
    minutes = np.sort(random.integers(0, days * 24 * 60, N_ROWS))
    return [(start + pd.Timedelta(minutes=int(m))).strftime(form) for m in minutes]


def people(form: str = "{}@example.org") -> list[str]:
    """Twelve people, each several times."""
    return [form.format(f"p{n * 7 % 12 + 1}") for n in range(N_ROWS)]


def money(comma: bool = False, sign: str = "") -> list[str]:
    """Sixty amounts."""
    random = np.random.default_rng(3)
    written = [f"{value:,.2f}" for value in random.gamma(2.0, 400.0, N_ROWS)]
    if comma:
        written = [text.replace(",", " ").replace(".", ",").replace(" ", ".") for text in written]
    return [f"{sign}{text}" for text in written]


def plain_money() -> list[str]:
    return [text.replace(",", "") for text in money()]


def csv_of(
    frame: dict[str, list[object]], sep: str = ",", above: str = "", encoding: str = "utf-8", below: str = ""
):
    def write(path: Path) -> None:
        text = above + pd.DataFrame(frame).to_csv(index=False, sep=sep) + below
        path.write_bytes(text.encode(encoding))

    return write


def _same(value: object) -> list[object]:
    return [value] * N_ROWS


def _numbers(start: int = 1001) -> list[object]:
    return list(range(start, start + N_ROWS))


def _cycle(*values: object) -> list[object]:
    return [values[n % len(values)] for n in range(N_ROWS)]


EXPORTS = [
    Export(
        "shopify_orders.csv",
        csv_of({
            "Name": [f"#{n}" for n in _numbers()], "Email": people(), "Financial Status": _cycle("paid", "paid", "refunded"),
            "Paid at": moments("%Y-%m-%d %H:%M:%S -0500"), "Fulfillment Status": _same("fulfilled"), "Currency": _same("USD"),
            "Subtotal": plain_money(), "Shipping": _same("4.90"), "Taxes": _same("1.00"), "Total": plain_money(),
            "Discount Code": _same(""), "Discount Amount": _same("0.00"), "Created at": moments("%Y-%m-%d %H:%M:%S -0500"),
            "Lineitem quantity": _same("1"), "Lineitem name": _cycle("Mug", "Tea"), "Lineitem price": plain_money(),
            "Lineitem sku": _cycle("M-1", "T-1"), "Billing Name": people("Mr {}"),
        }),
        "transactions", {"buyer_id": "Email", "amount": "Total", "order_id": "Name"},
    ),
    Export(
        "woocommerce_orders.csv",
        csv_of({
            "order_id": _numbers(), "order_number": _numbers(), "order_date": moments("%Y-%m-%d %H:%M:%S"),
            "status": _cycle("completed", "cancelled", "processing"), "order_total": plain_money(),
            "order_currency": _same("EUR"), "customer_id": _cycle(*range(1, 13)), "billing_email": people(),
            "payment_method": _same("stripe"),
        }),
        "transactions", {"buyer_id": "customer_id", "timestamp": "order_date", "amount": "order_total"},
    ),
    Export(
        "square_transactions.csv",
        csv_of({
            "Date": moments("%m/%d/%y"), "Time": moments("%H:%M:%S"), "Time Zone": _same("Eastern Time"),
            "Gross Sales": money(sign="$"), "Discounts": _same("$0.00"), "Net Sales": money(sign="$"),
            "Tax": _same("$1.00"), "Total Collected": money(sign="$"), "Source": _same("Register"),
            "Customer ID": people("SQ{}"), "Customer Name": people("Ms {}"), "Transaction ID": _numbers(),
        }),
        "transactions", {"buyer_id": "Customer ID", "timestamp": "Date"}, {"decimal": "."},
    ),
    Export(
        "stripe_payments.csv",
        csv_of({
            "id": [f"ch_{n}" for n in _numbers()], "Created (UTC)": moments("%Y-%m-%d %H:%M:%S"), "Amount": plain_money(),
            "Amount Refunded": _same("0.00"), "Currency": _same("eur"), "Status": _cycle("Paid", "Paid", "Failed"),
            "Customer ID": people("cus_{}"), "Customer Email": people(), "Description": _same("Invoice"),
        }),
        "transactions", {"buyer_id": "Customer ID", "timestamp": "Created (UTC)", "amount": "Amount"},
    ),
    Export(
        "stripe_subscriptions.csv",
        csv_of({
            "id": [f"sub_{n}" for n in _numbers()], "Customer ID": [f"cus_{n}" for n in _numbers()],
            "Plan": _cycle("basic", "pro"), "Quantity": _same("1"), "Interval": _same("month"), "Amount": _cycle("19.00", "49.00"),
            "Status": _cycle("active", "canceled"), "Created (UTC)": moments("%Y-%m-%d %H:%M"),
            "Start Date (UTC)": moments("%Y-%m-%d %H:%M"), "Current Period End (UTC)": moments("%Y-%m-%d %H:%M", 430),
            "Canceled At (UTC)": _cycle("", "2025-03-01 10:00"),
        }),
        "contracts", {"buyer_id": "Customer ID", "plan": "Plan", "amount": "Amount", "cancelled_at": "Canceled At (UTC)"},
    ),
    Export(
        "chargebee_subscriptions.csv",
        csv_of({
            "subscription_id": [f"S{n}" for n in _numbers()], "customer_id": [f"c{n}" for n in _numbers()],
            "plan_id": _cycle("gold", "silver"), "status": _cycle("active", "cancelled"), "mrr": _cycle("100", "50"),
            "started_at": moments("%d-%b-%Y %H:%M"), "cancelled_at": _cycle("", "14-Feb-2025 09:00"),
        }),
        "contracts", {"buyer_id": "customer_id", "start": "started_at", "cancelled_at": "cancelled_at", "plan": "plan_id"},
    ),
    Export(
        "hubspot_calls.csv",
        csv_of({
            "Record ID": _numbers(), "Call Title": _same("Call"), "Activity date": moments("%Y-%m-%d %H:%M"),
            "Call direction": _cycle("Outbound", "Inbound"), "Call outcome": _cycle("Connected", "No answer", "Left voicemail"),
            "Activity assigned to": _cycle("Ada", "Ben"), "Associated Company": people("Firm {}"),
        }),
        "interactions", {"buyer_id": "Associated Company", "timestamp": "Activity date", "direction": "Call direction",
                         "status": "Call outcome", "owner": "Activity assigned to"},
    ),
    Export(
        "salesforce_tasks.csv",
        csv_of({
            "Activity ID": _numbers(), "Subject": _cycle("Call", "Email", "Review"), "Activity Date": moments("%m/%d/%Y"),
            "Status": _cycle("Completed", "Not Started", "Deferred"), "Type": _cycle("Call", "Email", "Meeting"),
            "Assigned To": _cycle("Ada", "Ben"), "Account ID": people("001{}"), "Account Name": people("Firm {}"),
        }),
        "interactions", {"buyer_id": "Account ID", "timestamp": "Activity Date", "kind": "Type", "status": "Status"},
    ),
    Export(
        "zoho_activities.csv",
        csv_of({
            "Activity Type": _cycle("Call", "Task", "Event"), "Subject": _same("Follow up"), "Created Time": moments("%d/%m/%Y %H:%M"),
            "Status": _cycle("Completed", "Planned"), "Account Name": people("Firm {}"), "Activity Owner": _cycle("Ada", "Ben"),
            "Owner": _cycle("Ada", "Ben"),
        }),
        "interactions", {"buyer_id": "Account Name", "timestamp": "Created Time", "kind": "Activity Type"},
    ),
    Export(
        "zendesk_tickets.csv",
        csv_of({
            "Ticket ID": _numbers(), "Subject": _same("It broke"), "Requester": people("{}"), "Requester email": people(),
            "Organization": people("Firm {}"), "Created at": moments("%Y-%m-%dT%H:%M:%SZ"), "Solved at": moments("%Y-%m-%dT%H:%M:%SZ"),
            "Assignee": _cycle("Ada", "Ben"), "Status": _cycle("solved", "open"), "Satisfaction Score": _cycle("1", "0"),
        }),
        "interactions", {"timestamp": "Created at", "closed_at": "Solved at", "owner": "Assignee"}, {"timezone": "UTC"}, True,
    ),
    Export(
        "dialer_log.csv",
        csv_of({
            "call_time": moments("%Y-%m-%d %H:%M:%S"), "agent_name": _cycle("ada", "ben"), "customer_number": people("{}"),
            "call_direction": _cycle("OUT", "IN"), "disposition": _cycle("NO_ANSWER", "BUSY", "ANSWERED"),
            "duration_seconds": _cycle("0", "0", "180"),
        }, sep="|"),
        "interactions", {"buyer_id": "customer_number", "timestamp": "call_time", "direction": "call_direction", "status": "disposition"},
    ),
    Export(
        "kontoauszug.csv",
        csv_of({
            "Buchungstag": moments("%d.%m.%Y"), "Wertstellung": moments("%d.%m.%Y"), "Auftraggeber/Empfänger": people("Firma {}"),
            "Verwendungszweck": _same("Rechnung"), "Betrag": money(comma=True), "Währung": _same("EUR"),
        }, sep=";", above="Kontoumsätze\nIBAN;DE00\n\n", encoding="cp1252"),
        "transactions", {"buyer_id": "Auftraggeber/Empfänger", "timestamp": "Buchungstag", "amount": "Betrag"},
        {"decimal": ",", "encoding": {"transactions": "cp1252"}, "skip_lines": {"transactions": 3}},
    ),
    Export(
        "rechnungen.csv",
        csv_of({
            "Rechnungsnummer": _numbers(), "Rechnungsdatum": moments("%d.%m.%Y"), "Kundennummer": people("{}"),
            "Gesamtbetrag": money(comma=True, sign="€ "), "Zustand": _cycle("bezahlt", "storniert"),
        }, sep=";", encoding="utf-16"),
        "transactions", {"buyer_id": "Kundennummer", "timestamp": "Rechnungsdatum", "amount": "Gesamtbetrag"},
        {"decimal": ",", "encoding": {"transactions": "utf-16"}},
    ),
    Export(
        "factures.csv",
        csv_of({
            "Numéro de facture": _numbers(), "Date facture": moments("%d/%m/%Y"), "Code client": people("{}"),
            "Montant TTC": money(comma=True),
        }, sep=";", encoding="utf-8-sig"),
        "transactions", {"buyer_id": "Code client", "timestamp": "Date facture", "amount": "Montant TTC"}, {"decimal": ","},
    ),
    Export(
        "pedidos.csv",
        csv_of({
            "Número de pedido": _numbers(), "Fecha": moments("%d-%m-%Y"), "Cliente": people("{}"), "Importe": money(comma=True),
            "Estado": _cycle("pagado", "cancelado"),
        }, sep=";", below="Total;;;99.000,00;\n"),
        "transactions", {"buyer_id": "Cliente", "timestamp": "Fecha", "amount": "Importe"}, {"decimal": ","},
    ),
    Export(
        "orders_nl.csv",
        csv_of({
            "Ordernummer": _numbers(), "Orderdatum": moments("%d-%m-%Y %H:%M"), "Klantnummer": people("{}"), "Bedrag": money(comma=True),
        }, sep=";", above="sep=;\n"),
        "transactions", {"buyer_id": "Klantnummer", "timestamp": "Orderdatum", "amount": "Bedrag"}, {"decimal": ","},
    ),
    Export(
        "till.xlsx",
        lambda path: pd.DataFrame({
            "Customer No": _cycle(*range(100, 112)), "Sale Date": pd.to_datetime(moments("%Y-%m-%d")), "Total": [float(x) for x in plain_money()],
        }).to_excel(path, index=False),
        "transactions", {"buyer_id": "Customer No", "timestamp": "Sale Date", "amount": "Total"},
    ),
    Export(
        "events.jsonl",
        lambda path: path.write_text("\n".join(json.dumps(row) for row in pd.DataFrame({
            "userId": people("{}"), "createdAt": moments("%Y-%m-%dT%H:%M:%S"), "orderId": _numbers(), "totalPrice": [float(x) for x in plain_money()],
        }).to_dict("records"))) and None,
        "transactions", {"buyer_id": "userId", "timestamp": "createdAt", "amount": "totalPrice", "order_id": "orderId"},
    ),
    Export(
        "vertraege.csv",
        csv_of({
            "Vertragsnummer": _numbers(), "Kunde": [f"K{n}" for n in _numbers()], "Vertragsbeginn": moments("%d.%m.%Y"),
            "Vertragsende": moments("%d.%m.%Y", 800), "Monatsbetrag": money(comma=True), "Tarif": _cycle("A", "B"),
        }, sep=";"),
        "contracts", {"buyer_id": "Kunde", "start": "Vertragsbeginn", "end": "Vertragsende", "amount": "Monatsbetrag", "plan": "Tarif"},
        {"decimal": ","},
    ),
    Export(
        "shop_lines.csv",
        csv_of({
            "InvoiceNo": _numbers(), "StockCode": _cycle("A", "B"), "Description": _cycle("Mug", "Tea"), "Quantity": _cycle("1", "3"),
            "InvoiceDate": moments("%m/%d/%Y %H:%M"), "UnitPrice": _cycle("2.55", "3.39"), "CustomerID": _cycle(*range(17850, 17862)),
            "Country": _same("United Kingdom"),
        }),
        "transactions", {"buyer_id": "CustomerID", "timestamp": "InvoiceDate", "quantity": "Quantity"},
    ),
]  # fmt: skip
