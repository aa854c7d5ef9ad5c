"""Measure the page process: start-up, memory, click to first event, and what five open sessions cost.

    python benchmarks/page.py            as JSON lines on standard output

Each figure comes from a real server on an empty home and, where a page is open, from a real Chromium. CPU seconds
are those of the server process alone, without its workers and without the browser.
"""

import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from browser import find

ROOT = Path(__file__).resolve().parents[1]
PORT = 8765
URL = f"http://localhost:{PORT}"
LONG = "/lab?lab.method=random&lab.training=standard&lab.training.epochs=90000"
SESSIONS, WATCHED_S = 5, 20


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="ballast-page-"))
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    options = ["--server.port", str(PORT), "--server.headless", "true", "--server.fileWatcherType", "none"]
    began = time.perf_counter()
    environment = {**os.environ, "BALLAST_HOME": str(home)}
    server = psutil.Popen(
        [*command, *options], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        answered(began)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
            measure(server, browser, home)
            browser.close()
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(home, ignore_errors=True)


def measure(server: psutil.Process, browser: Browser, home: Path) -> None:
    """First screen, then click to first event, then one and five sessions on a live run."""
    began = time.perf_counter()
    page = browser.new_page()
    page.goto(URL + LONG)
    page.get_by_role("button", name="Run", exact=True).wait_for()
    report("first screen", wall_s=time.perf_counter() - began, cpu_s=cpu(server), rss_mb=memory(server))
    page.wait_for_timeout(20_000)  # the standby worker imports torch meanwhile
    clicked = time.time()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**run=*")
    page.get_by_text("Train ·").wait_for(timeout=120_000)
    report("click to first event", seconds=first_event(home) - clicked)
    report("one session", **watched(server, [page]))
    pages = [page, *(browser.new_page() for _ in range(SESSIONS - 1))]
    for other in pages[1:]:
        other.goto(page.url, timeout=120_000)
        other.get_by_text("Train ·").wait_for(timeout=120_000)
    report(f"{SESSIONS} sessions", **watched(server, pages))
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Run again").wait_for()


def watched(server: psutil.Process, pages: list[Page]) -> dict[str, float]:
    """Share of one core that polling costs, and memory."""
    before, began = cpu(server), time.perf_counter()
    pages[0].wait_for_timeout(WATCHED_S * 1000)
    return {"core_share": (cpu(server) - before) / (time.perf_counter() - began), "rss_mb": memory(server)}


def first_event(home: Path) -> float:
    """Time of the first event of the newest run, seconds since the epoch."""
    with sqlite3.connect(home / "ballast.sqlite") as db:
        return db.execute("SELECT min(time) FROM events").fetchone()[0]


def answered(began: float) -> None:
    while True:
        try:
            urllib.request.urlopen(f"{URL}/_stcore/health", timeout=5).close()
            return report("server answers", seconds=time.perf_counter() - began)
        except OSError:
            time.sleep(0.05)


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def memory(process: psutil.Process) -> float:
    """Resident memory in MB of 10^6 bytes."""
    return process.memory_info().rss / 1e6


def report(what: str, **numbers: float) -> None:
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}"
    print(json.dumps({"what": what, **{k: round(v, 3) for k, v in numbers.items()}, "machine": machine}), flush=True)


if __name__ == "__main__":
    main()
