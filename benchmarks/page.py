"""The HTML page of a large book in headless Chromium: seconds to load, milliseconds to search, sort, filter and open a
buyer, requests, accessibility.

``python benchmarks/page.py --buyers 20000 --out FOLDER [--axe axe.min.js]``; needs ``pip install playwright`` and a
Chromium. Screenshots (light, dark, narrow, one buyer, the table, the printed plan) go to the folder.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import clientcare as cc

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
DEEDS = {
    "search": "document.getElementById('search').value = '77'; send('search', 'input')",
    "clear": "document.getElementById('search').value = ''; send('search', 'input')",
    "filter": "document.getElementById('stage').value = '0'; send('stage', 'change')",
    "sort": "document.querySelectorAll('#head button')[3].click()",
    "sort by text": "document.querySelectorAll('#head button')[0].click()",
    "open": "document.querySelector('#body button').click(); document.getElementById('buyer').offsetHeight",
    "close": "document.getElementById('close').click()",
}
TIMED = """() => {
  const send = (id, event) => document.getElementById(id).dispatchEvent(new Event(event));
  const began = performance.now();
  DEED; document.body.offsetHeight;
  return performance.now() - began;
}"""


def build(n_buyers: int, folder: Path) -> Path:
    """Simulate a shop, learn from a tenth of its buyers, write the page of all."""
    shop = cc.datasets.simulate_histories("retailer", n_buyers=n_buyers, random_state=0)
    some = shop.histories.select(shop.histories.buyer_ids[::10])
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(some)
    began = time.process_time()
    page = cc.write_report(model, shop.histories, folder / "book.html")
    print(
        f"page of {n_buyers:,} buyers: {time.process_time() - began:.1f} CPU s, {page.stat().st_size / 2**20:.1f} MiB"
    )
    return page


def seconds_of_work(meter: Any) -> float:
    """CPU seconds of the page's main thread so far; unlike wall seconds free of what else the machine does."""
    metrics = {each["name"]: each["value"] for each in meter.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def look(browser: Any, page: Path, folder: Path, name: str, **view: Any) -> None:
    """Open the page in one manner, time it, and take its picture."""
    tab = browser.new_context(**view).new_page()
    meter = tab.context.new_cdp_session(tab)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})
    left: list[str] = []
    tab.on(
        "request",
        lambda request: left.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
    )
    began = time.monotonic()
    tab.goto(page.as_uri())
    loaded, worked = time.monotonic() - began, seconds_of_work(meter)
    tab.screenshot(path=folder / f"page_{name}.png")
    took = {
        deed: min(tab.evaluate(TIMED.replace("DEED", code)) for _ in range(3)) for deed, code in DEEDS.items()
    }
    print(
        f"{name:7s} load {loaded:.2f} s (CPU {worked:.2f} s), requests that leave the page: {len(left)}; "
        + ", ".join(f"{deed} {milliseconds:.0f} ms" for deed, milliseconds in took.items())
    )
    tab.evaluate(
        "document.getElementById('stage').value = ''; document.getElementById('stage').dispatchEvent(new Event('change'))"
    )
    if name == "light":
        tab.click("#body button")
        tab.screenshot(path=folder / "page_buyer.png")
        tab.click("#close")
        tab.locator("#book").scroll_into_view_if_needed()
        tab.screenshot(path=folder / "page_table.png")
        tab.emulate_media(media="print")
        tab.screenshot(path=folder / "page_print.png")


def main() -> None:
    """Build, open three times, check accessibility."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buyers", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--axe", type=Path, help="axe.min.js of the npm package axe-core")
    parser.add_argument("--page", type=Path, help="look at this page instead of building one")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    page = (options.page or build(options.buyers, options.out)).resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        wide = {"width": 1200, "height": 900}
        look(browser, page, options.out, "light", viewport=wide)
        look(browser, page, options.out, "dark", viewport=wide, color_scheme="dark")
        look(browser, page, options.out, "narrow", viewport={"width": 390, "height": 800})
        if options.axe:
            tab = browser.new_context(bypass_csp=True).new_page()
            tab.goto(page.as_uri())
            tab.evaluate(options.axe.read_text(encoding="utf-8"))
            faults = tab.evaluate("axe.run()")["violations"]
            print(
                "axe-core:",
                [(fault["id"], fault["impact"], len(fault["nodes"])) for fault in faults] or "no fault",
            )
        browser.close()


if __name__ == "__main__":
    main()
