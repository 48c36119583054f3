"""What shops call the states of orders, in a dozen languages, and what each means."""

from __future__ import annotations

from collections.abc import Mapping

WITHDRAWN = "withdrawn"
NEVER = "never"
STANDS = "stands"
STATUS_WORDS = {
    WITHDRAWN: (
        *(
            "cancelled",
            "canceled",
            "cancel",
            "cancellation",
            "void",
            "voided",
            "refunded",
            "refund",
            "reversed",
        ),
        *("fully refunded", "charged back", "chargeback", "returned", "return to sender", "storniert"),
        *("storno", "erstattet", "annule", "annulé", "annulée", "remboursé", "remboursée", "anulado"),
        *("cancelado", "cancelada", "reembolsado", "annullato", "rimborsato", "geannuleerd", "terugbetaald"),
        *("devuelto", "devuelta", "retourniert", "retoure", "annulliert", "widerrufen", "stornorechnung"),
        *("deleted", "removed", "fraud", "fraudulent", "disputed", "stornata", "stornato", "reso"),
    ),
    NEVER: (
        *("pending", "pending payment", "payment pending", "awaiting payment", "draft", "checkout draft"),
        *("test", "failed", "payment failed", "declined", "rejected", "expired", "abandoned", "on hold"),
        *(
            "unpaid",
            "error",
            "trash",
            "quote",
            "quotation",
            "incomplete",
            "requires payment method",
            "entwurf",
        ),
        *("ausstehend", "fehlgeschlagen", "brouillon", "en attente", "pendiente", "borrador", "bozza"),
        *(
            "denied",
            "not paid",
            "uncaptured",
            "incomplete expired",
            "closed lost",
            "lost",
            "angebot",
            "devis",
        ),
        *("presupuesto", "preventivo", "offerte", "offer", "proposal", "estimate", "pro forma", "proforma"),
        *("kostenvoranschlag", "abgelehnt", "refuse", "refusé", "rechazado", "rifiutato", "unbezahlt"),
    ),
    STANDS: (
        *("completed", "complete", "paid", "partially paid", "partially refunded", "fulfilled", "shipped"),
        *("delivered", "processing", "closed", "invoiced", "captured", "succeeded", "success", "settled"),
        *("confirmed", "approved", "ok", "partially fulfilled", "authorized", "authorised", "posted", "done"),
        *("bezahlt", "abgeschlossen", "versendet", "payé", "payée", "terminé", "pagado", "pagato", "betaald"),
        *("gebucht", "geliefert", "erledigt", "verschickt", "livré", "livrée", "expédié", "expédiée"),
        *("enviado", "entregado", "completado", "spedito", "consegnato", "completato", "verzonden", "open"),
        *("offen", "sent", "partially returned", "overdue", "past due", "active", "paid out", "available"),
    ),
}
"""States of orders in a dozen shops' words: taken back later, never bought, standing."""
MORE_WORDS = {
    WITHDRAWN: (
        *(
            "annullata",
            "annulé",
            "annulés",
            "anulada",
            "rimborsata",
            "reembolsada",
            "remboursés",
            "devolvido",
        ),
        *("devolvida", "anulowane", "anulowana", "anulowany", "zwrócone", "zwrot", "avbruten", "annullerad"),
        *("annulleret", "annullert", "kansellert", "återbetald", "refunderet", "retour", "teruggestuurd"),
    ),
    NEVER: (
        *("in attesa", "in attesa di pagamento", "pendente", "aguardando pagamento", "rascunho", "recusado"),
        *("falhou", "fallido", "fallida", "pendiente de pago", "en attente de paiement", "échoué", "échouée"),
        *(
            "concept",
            "mislukt",
            "oczekujące",
            "szkic",
            "utkast",
            "kladde",
            "refusée",
            "rejetée",
            "abgebrochen",
        ),
    ),
    STANDS: (
        *(
            "pagata",
            "pagate",
            "evasa",
            "evaso",
            "spedita",
            "consegnata",
            "completata",
            "conclusa",
            "concluso",
        ),
        *(
            "pago",
            "paga",
            "concluído",
            "concluída",
            "enviada",
            "entregue",
            "entregada",
            "pagada",
            "completada",
        ),
        *("terminée", "expédiés", "réglé", "réglée", "geleverd", "voltooid", "afgerond", "in behandeling"),
        *("opłacone", "zapłacone", "wysłane", "zrealizowane", "betald", "skickad", "levererad", "slutförd"),
        *("betalt", "sendt", "leveret", "levert", "fullført", "gennemført", "in bearbeitung", "teilbezahlt"),
    ),
}
"""The same in the endings of other languages."""
DOUBTS = frozenset(
    (
        "not",
        "no",
        "non",
        "nicht",
        "kein",
        "un",
        "partial",
        "partially",
        "partly",
        "teilweise",
        "requested",
        "request",
    )
)
"""Words beside which another does not mean what it means alone: "not cancelled", "return requested"."""
HEAD_OF_SHOPS = "wc "
"""WooCommerce keeps its own states as wc-cancelled, wc-completed."""


def plain_state(word: str) -> str:
    """A state in small letters, its words parted by one blank each.

    Examples
    --------
    >>> plain_state("Partially_Refunded ")
    'partially refunded'
    """
    return " ".join(str(word).strip().casefold().replace("_", " ").replace("-", " ").split())


KNOWN_STATES = {
    plain_state(word): meaning
    for table in (MORE_WORDS, STATUS_WORDS)
    for meaning, some in table.items()
    for word in some
}


def meaning_of(state: str) -> str:
    """What a state of an order means: ``"withdrawn"``, ``"never"``, ``"stands"``, or nothing known.

    Examples
    --------
    >>> meaning_of("wc-cancelled"), meaning_of("Cancelled by customer"), meaning_of("not cancelled")
    ('withdrawn', 'withdrawn', '')
    """
    return meaning_among(plain_state(state), KNOWN_STATES)


def meaning_among(state: str, words: Mapping[str, str]) -> str:
    """By itself, or by the words in it, where they agree that it is no purchase."""
    plain = state.removeprefix(HEAD_OF_SHOPS)
    for whole in (state, plain):
        if whole in words:
            return words[whole]
    parts = plain.split()
    if DOUBTS & set(parts):
        return ""
    said = {words[part] for part in parts if part in words}
    return said.pop() if len(said) == 1 and STANDS not in said else ""
