"""What holds for every test: one thread a process, so that busy machines do not spin and results do not vary.

Whole folders run in as many processes as there are cores and memory for, a file in one of them; files that are named,
and all with `-n 0`, run in this one. Tests that drive a browser share one browser and one server a process, and do not
run where none is found; the last line then says so, and so does the exit code.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

import browser

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
for name in THREADS:  # read when the libraries are imported; HiGHS is told by who calls it
    os.environ.setdefault(name, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
DRIVING = [  # files with browsers, as pytest calls them
    path.relative_to(Path(__file__).parents[1]).as_posix()
    for path in sorted(Path(__file__).parent.rglob("test_*.py")) if "mark.browser" in path.read_text(encoding="utf-8")
]  # fmt: skip
MOST, BYTES_EACH = 8, 3e9  # processes; memory of one with its browser, its server and what that starts


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """As if `-n auto --dist loadfile` had been asked for, unless something else was."""
    if hasattr(config, "workerinput"):  # one of those processes, in which this is called as well: it starts no more
        return
    if config.pluginmanager.hasplugin("xdist") and config.option.numprocesses is None and config.option.dist == "no":
        config.option.numprocesses, config.option.dist = "auto", "loadfile"
        config.option.loadscopereorder = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Processes that gain: by cores and memory for whole folders, none besides this one for files that are named."""
    if all(Path(argument.split("::")[0]).is_file() for argument in config.args):
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = min(cores, MOST, int(psutil.virtual_memory().available / BYTES_EACH))
    return found if found > 1 else 0


class Lanes(LoadFileScheduling):
    """A file in one process, and files that drive a browser in half of the processes at most.

    A browser, its server and what that starts fill a core: two of them side by side wait too long for each other.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = str(super()._split_scope(nodeid))
        count = max(1, self.numnodes // 2)
        return f"browser {DRIVING.index(path) % count}" if path in DRIVING else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return Lanes(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    driving = [item for item in items if item.get_closest_marker("browser")]
    absent = bool(driving) and browser.find() is None
    for item in driving:
        if absent:
            item.add_marker(pytest.mark.skip(reason=browser.MISSING))
    first = {item.path for item in driving}
    items.sort(key=lambda item: item.path not in first)  # browsers wait more than they work: begun first, they end last


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one headless browser of all tests: Playwright allows a process one session of this kind."""
    path = browser.find()
    assert path is not None, browser.MISSING
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


class Unrun:
    """Counts what was skipped for want of a browser, wherever it was skipped, and ends with what that means."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and browser.MISSING in str(report.longrepr):
            self.tests.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.tests and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = browser.UNRUN

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        if self.tests:
            files = ", ".join(sorted({Path(test.split("::")[0]).name for test in self.tests}))
            count = "1 test" if len(self.tests) == 1 else f"{len(self.tests)} tests"
            print(f"{count} did not run ({files}): {browser.MISSING}.")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist reports to the process that started it
        config.pluginmanager.register(Unrun())
