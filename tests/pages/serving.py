"""A real Streamlit server with a home of its own, for tests that drive a browser."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from core import api
from core.engine import locks
from core.engine.worker import slot_lock
from core.maps import umap
from tests.flat_map import flat_map

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """`streamlit run app.py` with its own BALLAST_HOME; can be stopped and started again on the same home.

    Without `working` the place of its one worker is taken, so that it starts none: warming up costs seconds.
    """

    def __init__(self, home: Path, script: str = "app.py", *, working: bool = True) -> None:
        self.home, self.script = home, script
        self.taken = None if working else take_place(home)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.process: subprocess.Popen | None = None

    def finished(self, settings: Mapping[str, Any], name: str) -> str:
        """Id of a finished run in the home, done in this process with a map that costs nothing."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BALLAST_HOME", str(self.home))
            patch.setattr(umap, "embed", flat_map)
            record = api.here("run", settings, name=name)
        assert record.status == "done", record.error
        return record.id

    def start(self) -> None:
        options = ["--server.port", str(self.port), "--server.headless", "true", "--server.fileWatcherType", "none"]
        environment = {**os.environ, "BALLAST_HOME": str(self.home), "OMP_NUM_THREADS": "1"}
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(ROOT / self.script), *options],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.wait()

    def wait(self) -> None:
        """Until the server answers; a server that ended shows its log."""
        wait = psutil.Process(self.process.pid)
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                    assert answer.read() == b"ok"
                    return
            except OSError:
                try:
                    wait.wait(timeout=0.1)
                except psutil.TimeoutExpired:
                    continue
                pytest.fail(f"the server ended:\n{(self.home / 'server.log').read_text()}")
        pytest.fail("the server did not answer within a minute")

    def workers(self) -> list[psutil.Process]:
        """The worker processes of this home that do runs."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            ours = "core.engine.worker" in words and str(self.home) in words
            if ours and words[words.index("--slot") + 1].startswith("work-"):
                found.append(process)
        return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)

    def close(self) -> None:
        self.stop()
        for process in self.workers():
            process.kill()
        if self.taken:
            self.taken.release()


def take_place(home: Path) -> FileLock:
    """Hold what a home's worker would hold."""
    path = slot_lock(home, "work-0")
    path.parent.mkdir(parents=True)
    held = locks.take(path)
    assert held
    return held
