"""Under which names others keep our columns: shops, billing, sales and service systems, in four languages."""

from __future__ import annotations

NAMES: dict[str, dict[str, str]] = {
    "transactions": {
        "buyer_id": "customer_id customer client_id account_id member_id user_id buyer_id cust_id customer_no "
        "customer_number customer_reference customer_email email email_address billing_email payer contact_id "
        "household_id kundennummer kunden_nr kundennr kunde debitor id_client client numero_client code_client "
        "cliente id_cliente codigo_cliente klant klantnummer klantnr customer_name card_id counterparty "
        "auftraggeber_empfanger beneficiary_or_remitter",
        "timestamp": "timestamp date order_date invoice_date created_at created paid_at processed_at purchase_date "
        "transaction_date datetime date_created created_utc sale_date booking_date buchungstag buchungsdatum "
        "bestelldatum rechnungsdatum datum date_commande date_facture fecha fecha_pedido fecha_factura orderdatum "
        "factuurdatum date_paid order_placed event_time invoice_created_at completed_at value_date valuta",
        "amount": "amount total order_total total_price grand_total net_total net_sales gross_sales total_amount line_total "
        "revenue sales price_total betrag umsatz summe gesamtbetrag montant montant_ttc total_ttc importe "
        "importe_total monto bedrag totaal total_collected amount_paid lineitem_total sale_amount "
        "converted_amount",
        "quantity": "quantity qty lineitem_quantity units menge anzahl quantite cantidad aantal item_quantity",
        "unit_price": "unit_price price lineitem_price einzelpreis prix_unitaire precio precio_unitario "
        "stukprijs unitprice item_cost",
        "order_id": "order_id order_number order name order_name invoice invoice_no invoice_number invoice_id "
        "transaction_id payment_id receipt bestellnummer rechnungsnummer belegnummer numero_commande "
        "numero_facture pedido numero_pedido factura ordernummer factuurnummer basket_id charge_id id num no",
        "product_id": "product_id sku lineitem_sku stock_code stockcode item_id product_code artikelnummer artikel_nr "
        "reference_produit codigo_producto artikelcode variant_id",
        "category": "category product_category department product_type kategorie warengruppe categorie categoria",
        "channel": "channel source sales_channel canal kanal location store",
        "status": "status order_status financial_status payment_status state zustand statut estado bestellstatus",
        "status_at": "status_at cancelled_at canceled_at refunded_at status_date storniert_am date_annulation",
        "currency": "currency currency_code wahrung devise moneda valuta_code presentment_currency iso_currency",
        "discount": "discount discount_amount discounts rabatt remise descuento korting",
        "list_price": "list_price compare_at_price listenpreis prix_catalogue",
    },
    "interactions": {
        "buyer_id": "customer_id client_id account_id contact_id account company company_id contact lead_id who_id "
        "requester_id requester requester_email organization associated_company associated_contact "
        "associated_contact_ids related_to email contact_email phone_number customer_number kundennummer kunde "
        "id_client client cliente klant member_id user_id buyer_id account_name what_id name_id customer dialed_number",
        "timestamp": "timestamp date activity_date created_at created created_date call_date call_time start_time "
        "create_date activity_datetime date_time datum fecha due_date_time call_start_time time_of_call "
        "occurred_at event_time sent_at created_time requested_at send_time call_start",
        "contact_id": "contact_id contact_person person_id contact_name",
        "role": "role contact_role job_title",
        "resolved": "resolved is_resolved solved ticket_status",
        "kind": "kind type activity_type task_subtype interaction_type event_type engagement_type channel_type "
        "art typ activity tipo soort call_type ticket_type record_type",
        "direction": "direction call_direction richtung sens direccion richting inbound_outbound",
        "status": "status call_status outcome call_outcome disposition call_result meeting_outcome result "
        "ergebnis resultat resultado resultaat state activity_status",
        "topic": "topic subject category reason betreff thema sujet asunto onderwerp ticket_category",
        "owner": "owner owner_name agent assignee assigned_to activity_assigned_to rep user_name bearbeiter "
        "responsable propietario eigenaar agent_name call_owner",
        "satisfaction": "satisfaction satisfaction_score csat nps rating score bewertung note puntuacion beoordeling "
        "satisfaction_rating",
        "minutes": "minutes duration_minutes dauer_minuten duree_minutes",
        "answered_at": "answered_at first_reply_at first_response_at first_response_date "
        "first_reply_date replied_at initially_assigned_at",
        "closed_at": "closed_at solved_at resolved_at closed_date completed_date closed_time",
        "channel": "channel via medium kanal canal",
    },
    "contracts": {
        "buyer_id": "customer_id client_id account_id customer account company subscriber_id user_id kundennummer kunde "
        "id_client cliente klant customer_email email member_id buyer_id account_name",
        "start": "start start_date started_at current_term_start contract_start subscription_start activated_at "
        "created_utc created_at created beginn vertragsbeginn date_debut fecha_inicio startdatum start_date_utc "
        "contract_start_date begin service_start effective_date",
        "end": "end end_date contract_end current_term_end term_end vertragsende ende date_fin fecha_fin "
        "einddatum contract_end_date expires_at expiry_date renewal_date current_period_end current_period_end_utc "
        "next_billing_at",
        "cancelled_at": "ended_at ended_at_utc cancelled_at canceled_at canceled_at_utc cancellation_date "
        "churned_at date_resiliation fecha_baja gekundigt_zum opgezegd_per termination_date",
        "notice_at": "notice_at notice_date cancel_requested_at gekundigt_am canceled_at canceled_at_utc cancelled_at",
        "cancel_reason": "cancel_reason cancellation_reason churn_reason reason kundigungsgrund motif_resiliation",
        "interval": "interval billing_interval billing_period billing_cycle billing_frequency plan_interval "
        "abrechnungsintervall zahlungsweise zahlungsintervall periodicite periodicidad frequence_facturation",
        "status": "status subscription_status contract_status state zustand statut estado",
        "amount": "amount mrr monthly_amount monthly_fee price monatsbetrag montant_mensuel cuota bedrag_per_maand "
        "plan_amount monthly_price",
        "contract_id": "contract_id subscription_id contract_number contract subscription vertragsnummer "
        "numero_contrat numero_contrato contractnummer id",
        "plan": "plan plan_id plan_name product price_id tarif tarief formule package",
        "recorded_at": "recorded_at signed_at signature_date signed_date booked_at",
    },
    "buyers": {
        "buyer_id": "customer_id client_id account_id id customer kundennummer id_client cliente klant member_id "
        "user_id buyer_id customer_no customer_number household_id company_id contact_id record_id",
        "owner": "owner owner_name company_owner account_owner account_manager contact_owner betreuer responsable",
        "do_not_contact": "not_contact not_call opt_out opted_out unsubscribed has_opted_out email_opt_out",
        "referred_by": "referred_by referrer referral_source_id empfohlen_von",
        "cadence_days": "cadence_days check_in_every_days",
    },
}
"""For each table our columns with the plain forms of the names that others use, the most certain first."""

SIGNS: dict[str, tuple[str, ...]] = {
    "transactions": (
        *("order", "invoice", "amount", "quantity", "price", "sku", "payment", "sale", "betrag", "umsatz"),
        *("montant", "importe", "bedrag", "total", "receipt", "basket", "lineitem", "currency", "pedido"),
    ),
    "interactions": (
        *("call", "ticket", "activity", "subject", "direction", "disposition", "agent", "requester"),
        *(
            "meeting",
            "engagement",
            "invitee",
            "attendee",
            "event_type",
            "assigned",
            "outcome",
            "csat",
            "assignee",
            "betreff",
            "satisfaction",
            "duration",
        ),
    ),
    "contracts": (
        *("contract", "subscription", "term", "plan", "renewal", "mrr", "cancel", "vertrag", "contrat"),
        *("expir", "trial", "period_end", "notice", "end_date", "start_date"),
    ),
}
"""Parts of names that show what a table is."""
