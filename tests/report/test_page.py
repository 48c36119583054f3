"""The page shows what the book says, as text, and opens nothing."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib").use("Agg")

from clientcare.datasets import load_service_firm  # noqa: E402
from clientcare.exceptions import SourceError  # noqa: E402
from clientcare.history import Histories  # noqa: E402
from clientcare.model import RelationshipModel  # noqa: E402
from clientcare.report import write_report  # noqa: E402

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


def island(text):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    )


def told(text):
    """What the page tells of each buyer, in the order of the table."""
    found = re.findall(r'<script type="application/json" id="told-\d+">(.*?)</script>', text, re.DOTALL)
    return [buyer for chunk in found for buyer in json.loads(chunk)]


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
    monkeypatch.setattr("clientcare.report.page.BUYERS_A_CHUNK", 7)
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
    assert "buyer-0001" not in text
    assert "ann" not in island(text).__str__()
    assert "ann&lt;/i&gt;" not in text
    assert island(text)["columns"][0]["values"][0] == "buyer 1"


def test_where_ids_are_hidden_no_reason_names_an_owner(tmp_path):
    """An owner can be an attribute that the model learned from, and then stands in the reasons."""
    firm = load_service_firm()
    fitted = RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm)
    open_page = write_report(fitted, firm, tmp_path / "open.html").read_text("utf-8")
    hidden = write_report(fitted, firm, tmp_path / "hidden.html", hide_ids=True).read_text("utf-8")
    assert re.search(r"owner-\d", open_page)
    assert not re.search(r"owner-\d", hidden)
    assert not set(firm.buyer_ids) & set(re.findall(r"\w+", hidden))


def test_the_same_histories_give_the_same_page(page, model, histories, tmp_path):
    again = write_report(model, histories, tmp_path / "again.html")
    assert again.read_bytes() == page.read_bytes()


def test_a_place_that_cannot_be_written_is_one_clear_error(model, histories, tmp_path):
    with pytest.raises(SourceError, match="cannot be written"):
        write_report(model, histories, tmp_path / "nowhere" / "book.html")


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
