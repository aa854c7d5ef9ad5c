"""Which test runs start processes of their own, and which must not."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import conftest

HERE = Path(__file__)


def config(*args: str, **more: object) -> SimpleNamespace:
    """As pytest hands it to the hooks, with xdist there and nothing said about processes."""
    option = SimpleNamespace(numprocesses=None, dist="no", loadscopereorder=True)
    plugins = SimpleNamespace(hasplugin=lambda name: name == "xdist")
    return SimpleNamespace(option=option, pluginmanager=plugins, args=list(args), **more)


def test_a_plain_run_is_spread():
    asked = config("tests")
    conftest.pytest_cmdline_main(asked)
    assert (asked.option.numprocesses, asked.option.dist) == ("auto", "loadfile")


def test_one_of_those_processes_starts_no_more():
    """Each would start as many again, and so on without end."""
    within = config("tests", workerinput={"workerid": "gw0"})
    conftest.pytest_cmdline_main(within)
    assert within.option.numprocesses is None and within.option.dist == "no"


def test_what_was_asked_for_stays():
    asked = config("tests")
    asked.option.numprocesses = 3
    conftest.pytest_cmdline_main(asked)
    assert (asked.option.numprocesses, asked.option.dist) == (3, "no")


@pytest.mark.parametrize(
    ("cores", "gigabytes", "processes"), [(2, 24, 2), (16, 128, 8), (2, 5, 0), (1, 64, 0), (8, 10, 3)]
)
def test_whole_folders_go_by_cores_and_memory(cores, gigabytes, processes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(conftest.os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(conftest.psutil, "virtual_memory", lambda: SimpleNamespace(available=gigabytes * 1e9))
    assert conftest.pytest_xdist_auto_num_workers(config(str(HERE.parent))) == processes
    assert conftest.pytest_xdist_auto_num_workers(config(f"{HERE}::test_a", str(HERE))) == 0


@pytest.mark.parametrize(("processes", "lanes"), [(1, 1), (2, 1), (3, 1), (8, 4)])
def test_browsers_have_half_of_the_processes_and_every_file_one(processes, lanes):
    scheduler = object.__new__(conftest.Lanes)
    scheduler.numnodes = processes
    driving = {scheduler._split_scope(f"{path}::test_a[1]") for path in conftest.DRIVING}
    assert len(conftest.DRIVING) > lanes == len(driving)
    assert scheduler._split_scope("tests/types/test_a.py::A::test_b") == "tests/types/test_a.py"
    assert "tests/pages/test_browser_play.py" in conftest.DRIVING and HERE.name not in str(conftest.DRIVING)
