"""Twenty further export formats: more languages, clocks, brackets, totals at the end, taxes, quantities with a sign."""

from __future__ import annotations

import pandas as pd

from history.exports import Export, _cycle, _numbers, _same, csv_of, moments, money, people, plain_money


def _epoch(unit: int) -> list[object]:
    return [str(int(pd.Timestamp(one).timestamp()) * unit) for one in moments("%Y-%m-%d %H:%M:%S")]


def _serials() -> list[object]:
    since = pd.Timestamp("1899-12-30")
    return [str((pd.Timestamp(one) - since).days) for one in moments("%Y-%m-%d")]


def _bracketed() -> list[object]:
    return [f"({text})" if n % 9 == 8 else text for n, text in enumerate(money())]


FURTHER_EXPORTS = [
    Export(
        "paypal.csv",
        csv_of({
            "Date": moments("%d/%m/%Y"), "Time": moments("%H:%M:%S"), "TimeZone": _same("GMT"), "Name": people("Mr {}"),
            "Type": _same("Express Checkout Payment"), "Status": _cycle("Completed", "Completed", "Denied"), "Currency": _same("GBP"),
            "Gross": money(), "Fee": _same("-0.30"), "Net": money(), "From Email Address": people(), "Transaction ID": _numbers(),
        }),
        "transactions", {"buyer_id": "From Email Address", "timestamp": "Date", "amount": "Gross", "order_id": "Transaction ID",
                         "currency": "Currency", "status": "Status"}, {"decimal": "."},
    ),
    Export(
        "amazon_orders.txt",
        csv_of({
            "amazon-order-id": [f"026-{n}" for n in _numbers()], "purchase-date": moments("%Y-%m-%dT%H:%M:%S+00:00"),
            "order-status": _cycle("Shipped", "Shipped", "Cancelled"), "sku": _cycle("A-1", "B-2"), "quantity": _cycle("1", "2"),
            "currency": _same("EUR"), "item-price": plain_money(), "item-tax": _same("1.90"), "buyer-email": people("{}@marketplace.example"),
        }, sep="\t"),
        "transactions", {"buyer_id": "buyer-email", "timestamp": "purchase-date", "order_id": "amazon-order-id", "amount": "item-price",
                         "status": "order-status"}, {"timezone": "UTC"}, True,
    ),
    Export(
        "magento_orders.csv",
        csv_of({
            "ID": _numbers(), "Purchase Point": _same("Main Store"), "Purchase Date": moments("%b %d, %Y %I:%M:%S %p"),
            "Bill-to Name": people("Ms {}"), "Grand Total (Base)": money(sign="$"), "Grand Total (Purchased)": money(sign="$"),
            "Status": _cycle("complete", "canceled"), "Customer Email": people(), "Subtotal": money(sign="$"),
        }),
        "transactions", {"buyer_id": "Customer Email", "timestamp": "Purchase Date", "amount": "Grand Total (Base)", "order_id": "ID",
                         "status": "Status"}, {"decimal": "."},
    ),
    Export(
        "etsy_orders.csv",
        csv_of({
            "Sale Date": moments("%m/%d/%y"), "Order ID": _numbers(), "Buyer User ID": people("{}"), "Full Name": people("Mr {}"),
            "Number of Items": _cycle("1", "2"), "Currency": _same("USD"), "Order Value": plain_money(), "Shipping": _same("4.00"),
            "Sales Tax": _same("1.10"), "Order Total": plain_money(),
        }),
        "transactions", {"buyer_id": "Buyer User ID", "timestamp": "Sale Date", "amount": "Order Total", "order_id": "Order ID"},
    ),
    Export(
        "quickbooks_sales.csv",
        csv_of({
            "Date": moments("%m/%d/%Y"), "Transaction Type": _cycle("Invoice", "Credit Memo"), "Num": _numbers(),
            "Customer": people("{} Ltd"), "Memo/Description": _same("Services"), "Qty": _same("1.00"), "Sales Price": money(),
            "Amount": _bracketed(), "Balance": money(),
        }, above="Example Company\nSales by Customer Detail\nAll Dates\n\n", below='TOTAL,,,,,,,"$99,000.00",\n'),
        "transactions", {"buyer_id": "Customer", "timestamp": "Date", "amount": "Amount", "order_id": "Num"},
        {"decimal": ".", "skip_lines": {"transactions": 4}},
    ),
    Export(
        "xero_invoices.csv",
        csv_of({
            "ContactName": people("{} Ltd"), "InvoiceNumber": _numbers(), "Reference": _same(""), "InvoiceDate": moments("%d %b %Y"),
            "DueDate": moments("%d %b %Y", 430), "Total": money(), "TaxTotal": _same("20.00"), "InvoiceAmountPaid": money(),
            "Status": _cycle("Paid", "Voided"), "Currency": _same("GBP"),
        }),
        "transactions", {"buyer_id": "ContactName", "timestamp": "InvoiceDate", "amount": "Total", "order_id": "InvoiceNumber"}, {"decimal": "."},
    ),
    Export(
        "stripe_api_charges.csv",
        csv_of({
            "id": [f"ch_{n}" for n in _numbers()], "created": _epoch(1), "customer": people("cus_{}"), "amount": _cycle("1250", "9900", "450"),
            "currency": _same("eur"), "status": _cycle("succeeded", "succeeded", "failed"),
        }),
        "transactions", {"buyer_id": "customer", "timestamp": "created", "amount": "amount", "currency": "currency"}, {"timezone": "UTC"}, True,
    ),
    Export(
        "app_events_millis.csv",
        csv_of({"user_id": people("u{}"), "event_time": _epoch(1000), "revenue": plain_money(), "event_id": _numbers()}),
        "transactions", {"buyer_id": "user_id", "timestamp": "event_time", "amount": "revenue"}, {"timezone": "UTC"}, True,
    ),
    Export(
        "serials.csv",
        csv_of({"Customer": people("{}"), "Date": _serials(), "Invoice": _numbers(), "Amount": plain_money()}),
        "transactions", {"buyer_id": "Customer", "timestamp": "Date", "amount": "Amount", "order_id": "Invoice"},
    ),
    Export(
        "fatture.csv",
        csv_of({
            "Numero fattura": _numbers(), "Data fattura": moments("%d/%m/%Y"), "Codice cliente": people("{}"),
            "Quantità": _same("1"), "IVA": _same("22%"), "Importo totale": money(comma=True, sign="€ "), "Stato": _cycle("pagata", "annullata"),
        }, sep=";", encoding="cp1252", below="Totale;;;;;€ 99.000,00;\n".encode("cp1252", "ignore").decode("cp1252")),
        "transactions", {"buyer_id": "Codice cliente", "timestamp": "Data fattura", "amount": "Importo totale", "order_id": "Numero fattura",
                         "status": "Stato"}, {"decimal": ","},
    ),
    Export(
        "vendas.csv",
        csv_of({
            "Número do pedido": _numbers(), "Data do pedido": moments("%d/%m/%Y %H:%M"), "Cód. cliente": people("{}"),
            "Valor total": money(comma=True, sign="R$ "), "Situação": _cycle("pago", "cancelado"),
        }, sep=";"),
        "transactions", {"buyer_id": "Cód. cliente", "timestamp": "Data do pedido", "amount": "Valor total", "order_id": "Número do pedido",
                         "status": "Situação"}, {"decimal": ","},
    ),
    Export(
        "faktury.csv",
        csv_of({
            "Numer faktury": _numbers(), "Data wystawienia": moments("%Y-%m-%d"), "Nabywca": people("Firma {}"),
            "Wartość netto": money(comma=True), "Wartość brutto": [text.replace(".", " ") for text in money(comma=True)],
        }, sep=";"),
        "transactions", {"buyer_id": "Nabywca", "timestamp": "Data wystawienia", "order_id": "Numer faktury", "amount": "Wartość brutto"},
        {"decimal": ","},
    ),
    Export(
        "returns_by_quantity.csv",
        csv_of({
            "Invoice": _numbers(), "StockCode": _cycle("A", "B"), "Quantity": _cycle("1", "3", "2", "-1"), "InvoiceDate": moments("%d.%m.%y %H:%M"),
            "Price": _cycle("2.55", "3.39"), "Customer ID": [f"{n}.0" for n in _cycle(*range(17850, 17862))],
        }),
        "transactions", {"buyer_id": "Customer ID", "timestamp": "InvoiceDate", "quantity": "Quantity", "unit_price": "Price", "order_id": "Invoice"},
    ),
    Export(
        "us_bank.csv",
        csv_of({
            "Details": _same("CREDIT"), "Posting Date": moments("%m/%d/%Y"), "Description": people("ACH {}"), "Amount": plain_money(),
            "Type": _same("ACH_CREDIT"), "Balance": plain_money(),
        }),
        "transactions", {"timestamp": "Posting Date", "amount": "Amount"}, {}, True,
    ),
    Export(
        "recurly_subscriptions.csv",
        csv_of({
            "subscription_id": [f"s{n}" for n in _numbers()], "account_code": [f"acc{n}" for n in _numbers()], "plan_code": _cycle("gold", "silver"),
            "state": _cycle("active", "expired"), "unit_amount": _cycle("19.00", "49.00"), "activated_at": moments("%Y-%m-%d %H:%M:%S UTC"),
            "canceled_at": _cycle("", "2025-03-01 10:00:00 UTC"), "current_period_ends_at": moments("%Y-%m-%d %H:%M:%S UTC", 430),
        }),
        "contracts", {"buyer_id": "account_code", "plan": "plan_code", "start": "activated_at", "cancelled_at": "canceled_at", "amount": "unit_amount",
                      "contract_id": "subscription_id"}, {"timezone": "UTC"}, True,
    ),
    Export(
        "gym_memberships.csv",
        csv_of({
            "Member ID": _numbers(), "Membership": _cycle("Basic", "Plus"), "Start Date": moments("%m/%d/%Y"), "Expiration Date": moments("%m/%d/%Y", 800),
            "Monthly Fee": money(sign="$"), "Cancellation Date": _cycle("", "02/14/2025"),
        }),
        "contracts", {"buyer_id": "Member ID", "start": "Start Date", "end": "Expiration Date", "amount": "Monthly Fee", "plan": "Membership",
                      "cancelled_at": "Cancellation Date"}, {"decimal": "."},
    ),
    Export(
        "freshdesk_tickets.csv",
        csv_of({
            "Ticket ID": _numbers(), "Subject": _same("It broke"), "Status": _cycle("Closed", "Open"), "Priority": _same("Low"), "Type": _same("Problem"),
            "Agent": _cycle("Ada", "Ben"), "Created time": moments("%Y-%m-%d %H:%M:%S"), "Resolved time": moments("%Y-%m-%d %H:%M:%S"),
            "Contact ID": people("{}"), "Survey results": _same(""),
        }),
        "interactions", {"buyer_id": "Contact ID", "timestamp": "Created time", "closed_at": "Resolved time", "owner": "Agent", "kind": "Type"},
    ),
    Export(
        "pipedrive_activities.csv",
        csv_of({
            "Done": _cycle("Done", "To do"), "Subject": _same("Follow up"), "Type": _cycle("Call", "Meeting"), "Organization": people("Firm {}"),
            "Due date": moments("%Y-%m-%d"), "Due time": moments("%H:%M"), "Assigned to user": _cycle("Ada", "Ben"),
        }),
        "interactions", {"buyer_id": "Organization", "timestamp": "Due date", "kind": "Type", "owner": "Assigned to user"},
    ),
    Export(
        "calendly.csv",
        csv_of({
            "Event Type Name": _same("Check-in"), "Start Date & Time": moments("%Y-%m-%d %I:%M %p"), "End Date & Time": moments("%Y-%m-%d %I:%M %p"),
            "Invitee Name": people("Mr {}"), "Invitee Email": people(), "Canceled": _cycle("false", "true"), "User Name": _cycle("Ada", "Ben"),
        }),
        "interactions", {"buyer_id": "Invitee Email", "timestamp": "Start Date & Time", "kind": "Event Type Name", "owner": "User Name"},
    ),
    Export(
        "double_headers.csv",
        csv_of({
            "Kundennr.": _cycle(*range(100, 112)), "Name": people("Frau {}"), "Belegdatum": moments("%d.%m.%y"), "Beleg-Nr.": _numbers(),
            "Netto (EUR)": money(comma=True), "Brutto (EUR)": money(comma=True), "Bezeichnung": _same("Ware"),
        }, sep=";", above="Name;Name;Datum\n"[:0]),
        "transactions", {"buyer_id": "Kundennr.", "timestamp": "Belegdatum", "order_id": "Beleg-Nr.", "amount": "Brutto (EUR)"}, {"decimal": ","},
    ),
]  # fmt: skip
