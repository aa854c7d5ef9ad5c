"""Thirty guests on one shared server: they open pages, submit runs, watch them, cancel some, and look at the list.

Each session is a WebSocket that speaks Streamlit's own protocol, as a browser does but without drawing, so that what is
measured is the server. It asks that no run is lost, no page shows an error, the page process stays below 400 MB, and
half of all reactions take less than a second.

    python benchmarks/load.py                            # 30 sessions for 10 minutes, about 11 minutes in all
    python benchmarks/load.py --sessions 5 --minutes 0.5

A reaction is the time from the message of a click, a page or a tick until the script that it started has ended.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core import api
from core.types import ENDED

ROOT = Path(__file__).resolve().parents[1]

KEYS = {"BALLAST_OWNER_TOKEN": "owner-key-of-the-load-test", "BALLAST_GUEST_TOKEN": "guest-key-of-the-load-test"}
FORM = {
    "lab.data.name": "moons", "lab.data.limit": 40, "lab.method": "random", "lab.method.ipc": 2, "lab.network": "mlp",
    "lab.training": "standard", "lab.training.epochs": 2, "lab.evaluation.images": 40,
    "lab.evaluation.curve_images": 20, "lab.evaluation.attack_steps": 5,
}  # fmt: skip
PATIENCE_S = 60.0  # for one reaction
REFUSALS = ("runs waiting or working", "runs waiting, the most")  # what guests are told at their limits


@dataclass
class Seen:
    """What all sessions saw together."""

    reactions: dict[str, list[float]] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: int = 0


class Session:
    """One guest's connection."""

    def __init__(self, url: str, cookie: str, seen: Seen) -> None:
        self._url, self._cookie, self._seen = url, cookie, seen
        self.query = ""
        self.buttons: dict[str, str] = {}  # key of a button -> id of its widget
        self.ticks: dict[str, float] = {}  # id of a fragment -> seconds between two of its runs
        self._hashes: dict[str, str] = {}  # url of a page -> its hash
        self._page = ""

    async def __aenter__(self) -> "Session":
        place = self._url.replace("http", "ws", 1) + "/_stcore/stream"
        headers = {"Cookie": self._cookie}
        self._socket = await websockets.connect(
            place, subprotocols=[websockets.Subprotocol("streamlit")], additional_headers=headers,
            origin=websockets.Origin(self._url), max_size=None, open_timeout=PATIENCE_S, ping_interval=None,
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def open(self, page: str, query: str) -> None:
        """Go to a page."""
        self.query, self._page, self.ticks, self.buttons = query, page, {}, {}
        message = BackMsg()
        message.rerun_script.page_name = page if page not in self._hashes else ""
        message.rerun_script.page_script_hash = self._hashes.get(page, "")
        await self._react(f"open {page}", message)

    async def press(self, key: str, what: str) -> bool:
        """Press a button of the page; False when it is not there."""
        if key not in self.buttons:
            return False
        message = BackMsg()
        message.rerun_script.page_script_hash = self._hashes.get(self._page, "")
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = self.buttons[key], True
        self.ticks, self.buttons = {}, {}  # the whole page is drawn anew
        await self._react(what, message)
        return True

    async def tick(self, fragment: str) -> None:
        """What a browser does by itself when a part of the page is to be drawn again."""
        message = BackMsg()
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = True
        message.rerun_script.page_script_hash = self._hashes.get(self._page, "")
        await self._react("tick", message)

    async def _react(self, what: str, message: BackMsg) -> None:
        message.rerun_script.query_string = self.query
        begun = time.monotonic()
        await self._socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(await asyncio.wait_for(self._socket.recv(decode=False), PATIENCE_S))
            kind = answer.WhichOneof("type")
            if kind == "script_finished" and answer.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self.ticks, self.buttons = {}, {}  # a part asked for the whole page, which comes now
            elif kind == "script_finished":
                break
            self._hear(answer, kind or "")
        self._seen.reactions.setdefault(what, []).append(time.monotonic() - begun)

    def _hear(self, answer: ForwardMsg, kind: str) -> None:
        if kind == "page_info_changed":
            self.query = answer.page_info_changed.query_string
        elif kind == "navigation":
            self._hashes |= {page.url_pathname: page.page_script_hash for page in answer.navigation.app_pages}
        elif kind == "auto_rerun":
            self.ticks[answer.auto_rerun.fragment_id] = answer.auto_rerun.interval
        elif kind == "delta" and answer.delta.HasField("new_element"):
            self._draw(answer.delta.new_element)

    def _draw(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "button":
            name = element.button.id
            self.buttons[name.rpartition("-")[2]] = name
        elif kind == "exception":
            self._seen.errors.append(f"{self._page}: {element.exception.type}: {element.exception.message}"[:300])
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            text = element.alert.body
            if any(words in text for words in REFUSALS):
                self._seen.refused += 1
            else:
                self._seen.errors.append(f"{self._page}: {text}"[:300])

    @property
    def run(self) -> str:
        """The run in view."""
        return parse_qs(self.query).get("run", [""])[0]


async def guest(number: int, url: str, until: float, seen: Seen) -> None:
    """Submit, watch, sometimes cancel, look at the list and at other pages, until the time is over."""
    chance, cookie = random.Random(number), key_of_guest(url)
    await asyncio.sleep(chance.uniform(0, 8))
    async with Session(url, cookie, seen) as session:
        while time.monotonic() < until:
            query = urlencode({**FORM, "lab.seed": chance.randrange(10**6)})
            await session.open("lab", query)
            await asyncio.sleep(chance.uniform(1, 4))
            before = session.run
            await session.press("lab.run", "submit")
            if session.run and session.run != before:
                seen.runs.append(session.run)
            stop = chance.random() < 0.2
            for _ in range(chance.randrange(3, 12)):
                await asyncio.sleep(1.0)
                for fragment in list(session.ticks)[:2]:
                    if fragment in session.ticks:  # an earlier tick may have drawn the page anew
                        await session.tick(fragment)
            if stop and await session.press("lab.cancel", "cancel"):
                seen.cancelled.append(session.run)
            await session.open(chance.choice(("runs", "runs", "covering", "study", "data", "play")), "")
            await asyncio.sleep(chance.uniform(2, 6))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def key_of_guest(url: str) -> str:
    """The cookie that the guests' link gives."""
    try:
        urllib.request.build_opener(_Stay).open(f"{url}/?token={KEYS['BALLAST_GUEST_TOKEN']}", timeout=PATIENCE_S)
    except urllib.error.HTTPError as answer:
        return str(answer.headers["Set-Cookie"]).partition(";")[0]
    raise SystemExit("the link of guests was not answered by a cookie")


async def observe(process: psutil.Process, until: float, memory: list[int]) -> None:
    """Resident memory of the page process, every second."""
    while time.monotonic() < until:
        memory.append(process.memory_info().rss)
        await asyncio.sleep(1.0)


def start(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A shared server on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.update(KEYS, BALLAST_HOME=str(home), BALLAST_ACCESS="token", OMP_NUM_THREADS="1")
    options = ["--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType", "none"]
    with (home / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "streamlit", "run", "serve.py", *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
            return process, url
        except OSError:
            time.sleep(0.2)
    raise SystemExit((home / "server.log").read_text())


async def crowd(sessions: int, seconds: float, url: str, pid: int, seen: Seen) -> list[int]:
    """Let them all come; resident memory of the page process over time, bytes."""
    memory: list[int] = []
    until = time.monotonic() + seconds
    work = [guest(number, url, until, seen) for number in range(sessions)]
    found = await asyncio.gather(observe(psutil.Process(pid), until, memory), *work, return_exceptions=True)
    seen.errors += [f"a session broke: {one!r}" for one in found if isinstance(one, BaseException)]
    return memory


def drained(seen: Seen, patience_s: float) -> dict[str, int]:
    """How the submitted runs ended, by status; those that never do count as they stand."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until and any(api.get(run_id).status not in ENDED for run_id in seen.runs):
        time.sleep(1.0)
    known = {record.id: record for record in api.runs(kind="run")}
    states = [known[run_id].status if run_id in known else "lost" for run_id in seen.runs]
    return {state: states.count(state) for state in dict.fromkeys(states)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--patience", type=float, default=300.0, help="seconds that what is queued may take afterwards")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, url = start(Path(folder))
        seen, load, page = Seen(), os.getloadavg()[0], psutil.Process(process.pid)
        try:
            memory = asyncio.run(crowd(chosen.sessions, 60 * chosen.minutes, url, process.pid, seen))
            busy, spent = os.getloadavg()[0], sum(page.cpu_times()[:2])
            ended = drained(seen, chosen.patience)
        finally:
            process.terminate()
            process.wait(timeout=30)
            told = (Path(folder) / "server.log").read_text(encoding="utf-8", errors="replace")
    if (first := told.find("Traceback")) >= 0:
        seen.errors.append(f"{told.count('Traceback')} tracebacks in the server's log: {told[first : first + 6000]}")
    every = [value for values in seen.reactions.values() for value in values]
    print(json.dumps({
        "sessions": chosen.sessions, "minutes": chosen.minutes, "load before": load, "load at the end": busy,
        "runs": len(seen.runs), "ended": ended, "cancelled by guests": len(seen.cancelled),
        "refused at a limit": seen.refused, "page errors": dict(Counter(seen.errors)),
        "page process MB": {"median": statistics.median(memory) / 1e6, "most": max(memory) / 1e6},
        "page process CPU s for each reaction": spent / len(every),
        "reactions": len(every), "median s": statistics.median(every),
        "95 % s": statistics.quantiles(every, n=20)[-1], "longest s": max(every),
        "by kind": {what: {"n": len(values), "median s": statistics.median(values)}
                    for what, values in sorted(seen.reactions.items())},
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
