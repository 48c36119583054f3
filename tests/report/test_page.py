"""The page shows what the book says, as text, and opens nothing."""

import base64
import gzip
import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib").use("Agg")

from clientcare.datasets import load_service_firm  # noqa: E402
from clientcare.exceptions import OptionError, SourceError  # noqa: E402
from clientcare.history import Histories  # noqa: E402
from clientcare.model import RelationshipModel  # noqa: E402
from clientcare.report import write_report  # noqa: E402
from clientcare.report.trend import trend_table  # noqa: E402

HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "</script><script>document.title='owned'</script>",
    "'><svg onload=\"document.title='owned'\">",
    "{{ 7 * 7 }}",
    "=1+1",
    "a\u2028b",
    "&lt;b&gt;",
    "</style><style>*{display:none}",
    "\u202egnp.exe\u202c",
    "two\nlines\tand a tab",
    "x" * 10_000,
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def shop(ids, seed=0):
    random = np.random.default_rng(seed)
    n = 12 * len(ids)
    return Histories(
        pd.DataFrame(
            {
                "buyer_id": random.choice(ids, n),
                "timestamp": pd.Timestamp("2023-01-01")
                + pd.to_timedelta(random.integers(0, 500, n), unit="D"),
                "amount": random.gamma(2, 20, n).round(2),
            }
        ),
        interactions=pd.DataFrame(
            {
                "buyer_id": random.choice(ids, n),
                "timestamp": pd.Timestamp("2023-01-01")
                + pd.to_timedelta(random.integers(0, 500, n), unit="D"),
                "kind": random.choice(["check_in", "complaint", "<b>odd</b>"], n),
                "direction": random.choice(["inbound", "outbound"], n),
            }
        ),
        buyers=pd.DataFrame({"buyer_id": ids, "owner": ["<i>ann</i>"] * len(ids)}),
    )


@pytest.fixture(scope="module")
def histories():
    return shop([*HOSTILE, *(f"buyer-{number:04d}" for number in range(80 - len(HOSTILE)))])


@pytest.fixture(scope="module")
def model(histories):
    return RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(histories)


@pytest.fixture(scope="module")
def page(model, histories, tmp_path_factory):
    return write_report(model, histories, tmp_path_factory.mktemp("page") / "book.html")


class Elements(HTMLParser):
    """Which elements and attributes a page is made of."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}


def elements(text):
    parser = Elements()
    parser.feed(text)
    return parser


def unpack(packed):
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def packed(text, name):
    return re.findall(rf'<script type="application/gzip" id="{name}">(.*?)</script>', text, re.DOTALL)


def island(text):
    return unpack(packed(text, "data")[0])


def told(text):
    """What the page tells of each buyer, in the order of the table."""
    return [buyer for chunk in packed(text, r"told-\d+") for buyer in unpack(chunk)]


def all_words(text):
    """What stands on the page, and what is packed in it."""
    return text + json.dumps([island(text), told(text)], ensure_ascii=False)


def column(text, name):
    """The cells of one column of the table, as texts."""
    found = next(each for each in island(text)["columns"] if each["name"] == name)
    return [found["levels"][place] for place in found["values"]] if "levels" in found else found["values"]


def test_no_id_adds_an_element_or_an_attribute(page, model, tmp_path):
    plain_page = write_report(
        model, shop([f"buyer-{number:04d}" for number in range(80)]), tmp_path / "plain.html"
    )
    ours, plain = elements(page.read_text("utf-8")), elements(plain_page.read_text("utf-8"))
    assert ours.tags <= plain.tags | {"td", "tr"}
    assert not any(name.startswith("on") for name in ours.attributes)


def test_every_buyer_of_the_book_is_on_the_page(page, model, histories):
    data = island(page.read_text("utf-8"))
    assert sorted(data["columns"][0]["values"]) == sorted(model.score(histories).index)
    assert data["n"] == 80
    assert len(told(page.read_text("utf-8"))) == 80


def test_a_buyers_page_is_found_in_its_chunk_and_says_what_the_book_says(
    model, histories, tmp_path, monkeypatch
):
    monkeypatch.setattr("clientcare.report.page_buyers.BUYERS_A_CHUNK", 7)
    text = write_report(model, histories, tmp_path / "chunks.html").read_text("utf-8")
    assert island(text)["chunk"] == 7
    assert text.count('id="told-') == 12
    book = model.explain(histories).risk_first(model.score(histories))
    buyers = column(text, "buyer_id")
    assert column(text, "reason_1") == book["reason_1"].reindex(buyers).tolist()
    for buyer, (further, story, contributions, _) in zip(buyers, told(text), strict=True):
        assert further == [reason for reason in book.loc[buyer, ["reason_2", "reason_3"]] if reason]
        assert len(contributions) <= 6
        bought = histories.transactions.query("buyer_id == @buyer and amount > 0")["timestamp"].dt.normalize()
        assert story[0] == sorted({day.toordinal() - pd.Timestamp(0).toordinal() for day in bought})[-60:]


def test_an_owner_known_from_contacts_alone_can_be_filtered_by(tmp_path):
    known = shop([f"buyer-{number:04d}" for number in range(40)])
    contacts = known.interactions.assign(owner="bea")
    ours = Histories(known.transactions, contacts)
    fitted = RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(ours)
    text = write_report(fitted, ours, tmp_path / "owners.html").read_text("utf-8")
    assert set(column(text, "owner")) <= {"bea", "(nobody)"}
    assert "bea" in column(text, "owner")


def test_the_page_names_no_other_place(page):
    text = page.read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*\"", text)
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text


def test_a_risk_comes_with_its_interval(page, model, histories):
    data, book = island(page.read_text("utf-8")), model.score(histories)
    place = data["columns"][0]["values"].index("buyer-0001")
    assert data["low"][place] == pytest.approx(book["churn_risk_low"]["buyer-0001"], abs=1e-4)
    assert data["high"][place] == pytest.approx(book["churn_risk_high"]["buyer-0001"], abs=1e-4)


def test_ids_can_be_hidden(model, histories, tmp_path):
    text = write_report(model, histories, tmp_path / "hidden.html", hide_ids=True).read_text("utf-8")
    assert "buyer-0001" not in all_words(text)
    assert "ann" not in island(text).__str__()
    assert "ann&lt;/i&gt;" not in text
    assert island(text)["columns"][0]["values"][0] == "buyer 1"


def test_where_ids_are_hidden_no_reason_names_an_owner(tmp_path):
    """An owner can be an attribute that the model learned from, and then stands in the reasons."""
    firm = load_service_firm()
    fitted = RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm)
    open_page = all_words(write_report(fitted, firm, tmp_path / "open.html").read_text("utf-8"))
    hidden = all_words(write_report(fitted, firm, tmp_path / "hidden.html", hide_ids=True).read_text("utf-8"))
    assert re.search(r"owner-\d", open_page)
    assert not re.search(r"owner-\d", hidden)
    assert not set(firm.buyer_ids) & set(re.findall(r"\w+", hidden))


def test_the_same_histories_give_the_same_page(page, model, histories, tmp_path):
    again = write_report(model, histories, tmp_path / "again.html")
    assert again.read_bytes() == page.read_bytes()


def test_a_place_that_cannot_be_written_is_one_clear_error(model, histories, tmp_path):
    with pytest.raises(SourceError, match="cannot be written"):
        write_report(model, histories, tmp_path / "nowhere" / "book.html")


@pytest.fixture(scope="module")
def named(model, histories):
    """The same shop with names, segments and a currency."""
    buyers = histories.buyers.reset_index().assign(
        name=lambda table: ["Firm <u>" + str(place) for place in range(len(table))],
        segment=lambda table: ["gold" if place % 2 else "<s>lead" for place in range(len(table))],
        currency="CHF",
    )
    return Histories(histories.transactions, histories.interactions, buyers=buyers)


def test_names_stand_beside_ids_and_are_hidden_with_them(model, named, tmp_path):
    shown = write_report(model, named, tmp_path / "named.html").read_text("utf-8")
    hidden = write_report(model, named, tmp_path / "unnamed.html", hide_ids=True).read_text("utf-8")
    assert "Firm <u>3" in column(shown, "name")
    assert "Firm" not in all_words(hidden)
    assert "<u>" not in shown


def test_segments_can_be_filtered_by_and_amounts_carry_their_currency(model, named, tmp_path):
    text = write_report(model, named, tmp_path / "segments.html").read_text("utf-8")
    assert set(column(text, "segment")) == {"gold", "<s>lead"}
    assert island(text)["unit"] == "CHF"
    assert re.search(r"money at risk in 60 days</dt><dd>[\d,]+ CHF", text)
    other = write_report(model, named, tmp_path / "stated.html", currency="EUR").read_text("utf-8")
    assert island(other)["unit"] == "EUR"


def test_what_moved_since_an_earlier_book_is_told_to_the_head(model, histories, tmp_path):
    now = histories.observed_until
    before = model.score(histories, as_of=now - pd.Timedelta(days=60))
    text = write_report(model, histories, tmp_path / "moved.html", previous=before).read_text("utf-8")
    after = model.score(histories)
    was, here = (set(book.index[book["status"] != "gone"]) for book in (before, after))
    assert f"{len(here - was):,} came or came back, {len(was - here):,} left" in text
    assert f"What moved since {now - pd.Timedelta(days=60):%Y-%m-%d}" in text


def test_a_book_that_is_not_earlier_is_refused(model, histories, tmp_path):
    with pytest.raises(OptionError, match="not before"):
        write_report(model, histories, tmp_path / "late.html", previous=model.score(histories))


def test_every_row_of_the_plan_points_to_its_buyer(page):
    text = page.read_text("utf-8")
    rows = re.findall(r'<tr data-place="(-?\d+)">.*?<td class="id">(.*?)</td>', text)
    assert rows
    ids = column(text, "buyer_id")
    assert all(unescape(shown) == ids[int(place)] for place, shown in rows)


def test_transactions_alone_get_a_page_without_what_cannot_be_seen(histories, tmp_path):
    alone = Histories(histories.transactions)
    fitted = RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(alone)
    text = write_report(fitted, alone, tmp_path / "alone.html").read_text("utf-8")
    assert "not seen" not in text
    assert "Renewals ahead" not in text


def test_contracts_alone_get_a_page_of_renewals(tmp_path):
    firm = load_service_firm()
    alone = Histories(contracts=firm.contracts, observed_until=firm.observed_until)
    fitted = RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(alone)
    text = write_report(fitted, alone, tmp_path / "contracts.html").read_text("utf-8")
    assert "Renewals ahead" in text
    assert "not seen" not in text
    shown = {each["name"] for each in island(text)["columns"]}
    assert "overdue_ratio" not in shown


def test_the_months_end_with_those_whom_the_book_counts(model, histories):
    """One rule tells of the months and of the book: whoever is here at the last month's end is here in the book of it."""
    table = trend_table(histories, None, 4, model.learned_.status)
    end = table.index[-1] + pd.Timedelta(days=1)
    assert table["living"].iloc[-1] == (model.score(histories, as_of=end)["status"] != "gone").sum()
    moved = table["living"].diff().iloc[1:]
    assert (moved == (table["came"] - table["left"]).iloc[1:]).all()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_shows_hostile_ids_as_text_and_runs_nothing(page, tmp_path):
    run = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path}", "--virtual-time-budget=4000",
         "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "<title>The book</title>" in run.stdout
    body = re.search(r'<tbody id="body">(.*?)</tbody>', run.stdout, re.DOTALL)[1]
    assert body.count("<tr>") == 50
    assert "<img" not in body and "<svg" not in body and "<script" not in body
    assert "80 of 80 buyers" in run.stdout
