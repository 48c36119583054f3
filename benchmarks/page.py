"""The HTML page of unlike bases in headless Chromium: size, seconds to load and milliseconds to search, sort, filter and
open a buyer on a machine six times slower (time the page's thread works, whatever else the machine does), requests that
leave the page, accessibility.

``python benchmarks/page.py --out FOLDER [--base agency ...] [--buyers 100000] [--axe axe.min.js]``; needs ``pip install
playwright`` and a Chromium; axe-core is one file of the npm package of that name. Screenshots (light, dark, narrow, one
buyer, the table, the printed page) go to the folder. Ends with 1 where a page is too large, slow, asks for anything, or has
a fault of accessibility.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import clientcare as cc

MOST_MIB, MOST_SECONDS, MOST_MILLISECONDS = 15.0, 2.0, 100.0
"""What a page of 100,000 buyers may weigh, and how long it may take to load and to search on a slow machine."""
SLOWER = 6
"""How many times slower than this machine a slow laptop is taken to be."""
MOST_PIXELS = 20_000
"""Of a higher page only the first screen is taken."""
MOST_ACTIONS = 2_000
"""A longer plan is printed by owner, not whole."""
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
DEED = """() => {
  const send = (id, event) => document.getElementById(id).dispatchEvent(new Event(event));
  CODE; document.body.offsetHeight;
}"""


def _alone(histories: cc.Histories, *tables: str) -> cc.Histories:
    """The same firm with some of its tables only."""
    given = {name: getattr(histories, name) for name in tables}
    return cc.Histories(
        **given, observed_from=histories.observed_from, observed_until=histories.observed_until
    )


def bases(n_buyers: int) -> dict[str, Any]:
    """Unlike bases, each made when it is asked for: histories, and how many of their buyers teach the model."""
    firm, shop = cc.datasets.load_service_firm, cc.datasets.load_retailer

    def agency() -> cc.Histories:
        simulated = cc.datasets.simulate_histories("service_firm", n_buyers=40, random_state=1)
        return simulated.histories

    def large() -> cc.Histories:
        return cc.datasets.simulate_histories("retailer", n_buyers=n_buyers, random_state=0).histories

    return {
        "retailer": shop,
        "agency": agency,
        "contracts": lambda: _alone(firm(), "contracts"),
        "transactions": lambda: _alone(shop(), "transactions"),
        "large": large,
    }


def build(base: str, n_buyers: int, folder: Path) -> Path:
    """Learn from at most some thousand buyers of a base, write the page of all."""
    histories = bases(n_buyers)[base]()
    some = histories.select(histories.buyer_ids[:: max(1, len(histories.buyer_ids) // 10_000)])
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(some)
    began = time.process_time()
    page = cc.write_report(model, histories, folder / f"{base}.html")
    print(f"{base}: page of {len(histories.buyer_ids):,} buyers: {time.process_time() - began:.1f} CPU s, "
          f"{page.stat().st_size / 2**20:.1f} MiB", flush=True)  # fmt: skip
    return page


def seconds_of_work(meter: Any) -> float:
    """CPU seconds of the page's main thread so far; unlike wall seconds free of what else the machine does."""
    metrics = {each["name"]: each["value"] for each in meter.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def look(browser: Any, page: Path, folder: Path, name: str, slower: int = 1, **view: Any) -> list[str]:
    """Open the page in one manner, time it, take its picture; what was missed."""
    tab = browser.new_context(**view).new_page()
    meter = tab.context.new_cdp_session(tab)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})
    meter.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    left: list[str] = []
    tab.on(
        "request",
        lambda request: left.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
    )
    began = time.monotonic()
    tab.goto(page.as_uri())
    tab.wait_for_selector("#body tr")
    passed, loaded = time.monotonic() - began, seconds_of_work(meter)

    def milliseconds(code: str) -> float:
        before = seconds_of_work(meter)
        tab.evaluate(DEED.replace("CODE", code))
        return 1000 * (seconds_of_work(meter) - before)

    took = {deed: min(milliseconds(code) for _ in range(3)) for deed, code in DEEDS.items()}
    print(
        f"  {name:9s} load {loaded:.2f} s of work ({passed:.2f} s passed), requests that leave the page: {len(left)}; "
        + ", ".join(f"{deed} {each:.0f} ms" for deed, each in took.items()),
        flush=True,
    )
    if slower == 1:
        take_pictures(tab, folder, f"{page.stem}_{name}")
    wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    missed = [f"{name}: asks for {left}"] if left else []
    if wide > 0:
        missed.append(f"{name}: {wide} pixels wider than the window")
    if slower > 1 and loaded > MOST_SECONDS:
        missed.append(f"{name}: {loaded:.2f} s to load")
    if slower > 1 and took["search"] > MOST_MILLISECONDS:
        missed.append(f"{name}: {took['search']:.0f} ms to search")
    return missed


def take_pictures(tab: Any, folder: Path, name: str) -> None:
    """The whole page, one buyer, and what the printer gets."""
    tab.evaluate(
        "for (const id of ['stage', 'search']) { const box = document.getElementById(id); box.value = '';"
        " box.dispatchEvent(new Event(id === 'stage' ? 'change' : 'input')); }"
    )
    whole = bool(tab.evaluate(f"document.documentElement.scrollHeight < {MOST_PIXELS}"))
    tab.screenshot(path=folder / f"{name}.png", full_page=whole)
    if name.endswith("light"):
        tab.click("#body button")
        tab.screenshot(path=folder / f"{name}_buyer.png")
        tab.click("#close")
        if tab.locator("#actions tr").count() > MOST_ACTIONS:
            return
        tab.emulate_media(media="print")
        tab.screenshot(path=folder / f"{name}_print.png", full_page=whole)


def faults_of(browser: Any, page: Path, axe: Path) -> list[str]:
    """What axe-core finds, in light and dark, and with one buyer open."""
    found = []
    for scheme in ("light", "dark"):
        tab = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
        tab.goto(page.as_uri())
        tab.wait_for_selector("#body tr")
        tab.evaluate(axe.read_text(encoding="utf-8"))
        for shown in ("book", "buyer"):
            if shown == "buyer":
                tab.click("#body button")
            faults = tab.evaluate("axe.run()")["violations"]
            found += [
                f"axe-core, {scheme}, {shown}: {fault['id']} ({fault['impact']}), {len(fault['nodes'])} places, "
                f"first {fault['nodes'][0]['html'][:200]}"
                for fault in faults
            ]
    print("  axe-core:", f"{len(found)} faults" if found else "no fault, light and dark, book and buyer")
    return found


def main() -> int:
    """Build, open in each manner, check accessibility."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", nargs="*", choices=list(bases(1)), default=list(bases(1)))
    parser.add_argument("--buyers", type=int, default=100_000, help="of the large base")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--axe", type=Path, help="axe.min.js of the npm package axe-core")
    parser.add_argument("--reuse", action="store_true", help="look at pages that are there already")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    missed: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        wide, narrow = {"width": 1200, "height": 900}, {"width": 390, "height": 800}
        for base in options.base:
            page = (options.out / f"{base}.html").resolve()
            if not (options.reuse and page.exists()):
                page = build(base, options.buyers, options.out).resolve()
            found = look(browser, page, options.out, "light", viewport=wide)
            found += look(browser, page, options.out, "dark", viewport=wide, color_scheme="dark")
            found += look(browser, page, options.out, "narrow", viewport=narrow)
            found += look(browser, page, options.out, f"{SLOWER}x slow", SLOWER, viewport=wide)
            if options.axe:
                found += faults_of(browser, page, options.axe)
            if page.stat().st_size > MOST_MIB * 2**20:
                found.append(f"{page.stat().st_size / 2**20:.1f} MiB")
            missed += [f"{base}: {each}" for each in found]
        browser.close()
    print("\n".join(["missed:", *missed] if missed else ["nothing missed"]))
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
