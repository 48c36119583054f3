"""What the name of a column is about, word by word, where no list holds the whole name.

A name such as "Cód. cliente" or "bill_to_account_no" is made of a few words of the trade. Each of our columns has
words it is about, words that say how it is told (by number, by mail, by name), and words that rule it out.
"""

from __future__ import annotations

from dataclasses import dataclass

KEYS = {
    **dict.fromkeys(("id", "uid"), 6),
    **dict.fromkeys(("no", "nr", "num", "number", "numero", "numer", "nummer"), 5),
    **dict.fromkeys(("key", "code", "codigo", "codice", "cod", "kod"), 5),
    **dict.fromkeys(("ref", "reference", "email", "mail"), 4),
    **dict.fromkeys(("name", "nombre", "nome", "nom"), 1),
}
"""How well a word of a name tells one buyer, or one order, from another: numbers before addresses before names."""
COUNTED = ("counts", "number_items", "items", "days", "percent")
"""A column that counts or measures something is none of ours."""


@dataclass(frozen=True)
class Concept:
    """One of our columns by the words its names are made of.

    Attributes
    ----------
    about : dict of str to int
        Beginnings of words, or parts of long ones, and how much each says.
    never : tuple of str
        Words that rule the column out.
    keyed : bool
        Whether a word for a key must, or may, stand beside.
    """

    about: dict[str, int]
    never: tuple[str, ...] = ()
    keyed: bool = False

    @classmethod
    def of(cls, *about: tuple[int, str], never: str = "", keyed: bool = False) -> Concept:
        """A concept by lines of words that weigh the same."""
        return cls(
            {word: weight for weight, words in about for word in words.split()}, tuple(never.split()), keyed
        )


_BUYERS = (
    (
        6,
        "customer client buyer kunde klant cliente klient kund debitor nabywca odbiorca cust acheteur comprador",
    ),
    (4, "account member subscriber user household donor patient payer bill_to guest_email"),
    (2, "contact company organization organisation firm email mail"),
)
_NO_BUYER = "group type country note segment manager since"
_DATES = (3, "date data datum fecha time datetime timestamp moment dzien dato")
_OTHER_DATES = "due end birth updat modif expir zone delivery ship cancel closed resolved period number id"
_OTHER_MONEY = (
    "tax vat iva mwst shipping discount fee balance refund saldo rate portokosten versand tips cost number items "
    "qty quantity iban due"
)

CONCEPTS: dict[str, dict[str, Concept]] = {
    "transactions": {
        "buyer_id": Concept.of(*_BUYERS, never=_NO_BUYER, keyed=True),
        "timestamp": Concept.of(
            _DATES,
            (
                2,
                "order invoice purchase sale transaction created booking posting beleg rechnung fattura pedido emis",
            ),
            never=_OTHER_DATES,
        ),
        "amount": Concept.of(
            (
                4,
                "total amount montant betrag bedrag importe importo valor kwota wartosc monto summe umsatz revenue",
            ),
            (3, "gross brutto bruto item_price line_price ttc paid"),
            (2, "net netto neto value price"),
            (1, "grand order"),
            (-3, "subtotal"),
            never=_OTHER_MONEY,
        ),
        "order_id": Concept.of(
            (
                5,
                "order invoice transaction receipt beleg rechnung fattura faktur facture pedido ticket charge",
            ),
            (5, "payment bon"),
            never="date data datum time status total amount type item line value",
            keyed=True,
        ),
        "status": Concept.of(
            (5, "status state stato estado situacao situacion zustand statut stan"),
            never="country province tax",
        ),
        "quantity": Concept.of(
            (5, "quantity qty menge quantita quantidade cantidad ilosc aantal anzahl"), never="order"
        ),
        "currency": Concept.of((5, "currency waluta valuta moeda moneda devise wahrung"), never="rate"),
    },
    "interactions": {
        "buyer_id": Concept.of(*_BUYERS, (6, "invitee requester attendee"), never=_NO_BUYER, keyed=True),
        "timestamp": Concept.of(
            _DATES,
            (3, "due_date"),
            (2, "start created call activity meeting"),
            never="end updat modif zone closed resolved",
        ),
        "closed_at": Concept.of((5, "resolved closed solved"), never="status by"),
        "kind": Concept.of((3, "type event_type activity_type typ tipo kind"), never="email subtype"),
        "owner": Concept.of(
            (4, "agent owner assigned assignee rep user_name host advisor bearbeiter"), never="email at date"
        ),
        "satisfaction": Concept.of(
            (5, "csat nps satisfaction zufriedenheit satisfaccion"), never="comment date reason sent"
        ),
        "topic": Concept.of((4, "subject topic betreff asunto oggetto assunto temat")),
        "direction": Concept.of((5, "direction inbound richtung")),
        "status": Concept.of((4, "status outcome disposition result stato estado"), never="survey"),
    },
    "contracts": {
        "buyer_id": Concept.of(*_BUYERS, never=_NO_BUYER, keyed=True),
        "start": Concept.of(
            (5, "start begin activated inicio inizio debut signup"), never="end trial period status"
        ),
        "end": Concept.of((5, "end expir ende fine fim"), never="cancel status weekend send vendor email"),
        "cancelled_at": Concept.of(
            (5, "cancel terminat kundig baja disdetta"), never="reason by status period"
        ),
        "amount": Concept.of(
            (4, "mrr monthly fee amount price monat mensile mensual canone"),
            never="tax setup discount balance id",
        ),
        "contract_id": Concept.of(
            (5, "contract subscription vertrag contratto contrato policy"),
            never="start end date status type",
            keyed=True,
        ),
        "plan": Concept.of(
            (4, "plan membership product tarif package tier piano"), never="id date amount price status"
        ),
    },
}
"""Each of our columns by words of trade in a dozen languages, told by their beginnings."""


def weight_of(ours: str, table: str, plain: str) -> int:
    """How much a plain name says for one of our columns; zero where it says nothing.

    Examples
    --------
    >>> weight_of("buyer_id", "transactions", "codice_cliente") > weight_of("buyer_id", "transactions", "nome_cliente") > 0
    True
    >>> weight_of("amount", "transactions", "item_tax")
    0
    """
    concept = CONCEPTS.get(table, {}).get(ours)
    if concept is None:
        return 0
    words = plain.split("_")
    if any(_begins(one, words, plain) for one in (*concept.never, *COUNTED)):
        return 0
    said = sum(weight for one, weight in concept.about.items() if _speaks(one, words, plain))
    if not said or not concept.keyed:
        return said
    keys = [KEYS[word] for word in words if word in KEYS] or [
        KEYS["nr"] for word in words if word.endswith(("nr", "nummer", "id"))
    ]
    return said + max(keys, default=2)


def _begins(stem: str, words: list[str], plain: str) -> bool:
    """Whether a stem begins or (a long one) ends one of the words, or, of two words, stands in the name."""
    if "_" in stem:
        return stem in plain
    return any(word.startswith(stem) or (len(stem) >= 5 and word.endswith(stem)) for word in words)


def _speaks(stem: str, words: list[str], plain: str) -> bool:
    """Whether a stem begins one of the words, is part of a long one, or, of two words, stands in the name."""
    if "_" in stem:
        return stem in plain
    if len(stem) <= 3:
        return stem in words
    return any(word.startswith(stem) or (len(stem) >= 5 and stem in word) for word in words)
