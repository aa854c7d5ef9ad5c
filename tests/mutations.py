"""Planted faults: each is put into a copy of the tree, and the tests named beside it must fail.

    python tests/mutations.py [--only PATTERN] [--jobs N] [--list]

A test that survives the fault it is there for is no test. The faults are in faults_planted/, a file an area, each
with what it does in words, the file, text that occurs there once, what stands in its place, and pytest nodes. First
all named tests run on an unchanged copy, where they must pass; then each fault alone, a few seconds each, in a process
that finds the large libraries already imported. The checkout is never changed. Exit code 1 when a fault survives,
when a test fails without one, or when a text is not there once.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLANTED = Path(__file__).resolve().parent / "faults_planted"
COPIED = (
    "core",
    "pages",
    "tests",
    "assets",
    "benchmarks",
    "docs",
    "app.py",
    "browser.py",
    "run.py",
    "serve.py",
    "pyproject.toml",
    "README.md",
)
WARM = ("torch", "torch._dynamo", "torchattacks", "numba.typed", "sklearn.datasets", "scipy.sparse", "pydantic",
        "hypothesis")  # fmt: skip  # imported once for all: large, and nothing of the product
PLUGINS = ("-p", "pytest_timeout", "-p", "no:cacheprovider")  # what these tests need: others take a second each time
LIMIT_S = 60  # seconds after which a test that hangs has failed
FAILED, TOLD = 1, 12  # pytest's exit code for failed tests; lines shown of one that went otherwise


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    area   name of its file in faults_planted/
    says   what is wrong with it, in words
    file   path from the root, in which `old` occurs exactly once and is replaced by `new`
    tests  pytest nodes of which at least one must fail
    """

    area: str
    says: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def planted(self, text: str) -> str:
        """The file's text with the fault.

        raises  ValueError when `old` is not there exactly once, or what comes of it is no Python
        """
        if text.count(self.old) != 1:
            raise ValueError(
                f"{self.file} must hold the text once, it does {text.count(self.old)} times: {self.old!r}; mend the "
                f"fault in {PLANTED.name}/{self.area}.toml"
            )
        changed = text.replace(self.old, self.new)
        compile(changed, self.file, "exec")
        return changed


def faults() -> list[Fault]:
    """All of them, by area."""
    found = []
    for path in sorted(PLANTED.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["fault"]:
            found.append(Fault(area=path.stem, **{**entry, "tests": tuple(entry["tests"])}))
    return found


@contextmanager
def copied(source: Path) -> Iterator[Path]:
    """The tree in a temporary folder, compiled files with their times included."""
    with tempfile.TemporaryDirectory(prefix="ballast-fault-") as folder:
        for name in COPIED:
            if (source / name).is_dir():
                shutil.copytree(source / name, Path(folder) / name)
            elif (source / name).exists():
                shutil.copy2(source / name, Path(folder) / name)
        yield Path(folder)


def plant(fault: Fault, tree: Path) -> None:
    """Write the fault into a copy."""
    path = tree / fault.file
    text = fault.planted(path.read_text(encoding="utf-8"))
    path.unlink()
    path.write_text(text, encoding="utf-8")
    if "@njit" in text:  # what other files compiled may hold what this one had compiled: all of it anew
        for compiled in path.parent.glob("__pycache__/*.nb?"):
            compiled.unlink()


def tested(tree: Path, nodes: Sequence[str], *options: str) -> tuple[int, str]:
    """Exit code and output of pytest on these nodes in a copy; for a process of its own, which it leaves changed."""
    os.chdir(tree)
    os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [str(tree), *(path for path in sys.path if Path(path or ".").resolve() not in (ROOT, ROOT / "tests"))]
    log = tree / "pytest.log"
    file = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    assert "core" not in sys.modules, "the product must be imported from the copy"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    code = pytest.main(["-q", *PLUGINS, f"--timeout={LIMIT_S}", *options, *nodes])
    sys.stdout.flush()
    return int(code), log.read_text(encoding="utf-8")


def sound(chosen: Sequence[Fault], tree: Path) -> str:
    """Why the tests say nothing, "" when all of them pass where there is no fault."""
    nodes = list(dict.fromkeys(node for fault in chosen for node in fault.tests))
    code, output = tested(tree, nodes)
    if code == 0 and not re.search(r"\d+ (skipped|xfailed|deselected)", output):
        return ""
    return "\n".join(["tests must pass, none skipped, where there is no fault:", *output.splitlines()[-TOLD:]])


def tried(fault: Fault, clean: Path) -> tuple[str, float]:
    """Why a fault counts as survived, "" when it was killed; and seconds."""
    began = time.monotonic()
    with copied(clean) as tree:
        try:
            plant(fault, tree)
        except (OSError, SyntaxError, ValueError) as error:
            return str(error), 0.0
        code, output = tested(tree, fault.tests, "-x")
        os.chdir(clean)
    why = {FAILED: "", 0: "every test passes"}.get(code, "\n".join(output.splitlines()[-TOLD:]))
    return why, time.monotonic() - began


def fresh(jobs: int) -> ProcessPoolExecutor:
    """A pool whose every task has a process of its own, forked where that can be done with the libraries imported."""
    os.environ["OMP_NUM_THREADS"] = "1"
    can = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if can else "spawn")
    if can:
        context.set_forkserver_preload(list(WARM))
    return ProcessPoolExecutor(jobs, context, max_tasks_per_child=1)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="faults whose area, words or file match this regular expression")
    parser.add_argument("--jobs", type=int, default=1, help="faults tried at the same time")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    asked = parser.parse_args(arguments)
    words = re.compile(asked.only, re.IGNORECASE)
    chosen = [fault for fault in faults() if words.search(f"{fault.area}: {fault.says} {fault.file}")]
    if asked.list or not chosen:
        print("\n".join(f"{fault.area}: {fault.says}" for fault in chosen) or "no fault matches")
        return 0 if chosen else 1
    with copied(ROOT) as clean, fresh(asked.jobs) as pool:
        return run(chosen, clean, pool)


def run(chosen: Sequence[Fault], clean: Path, pool: ProcessPoolExecutor) -> int:
    """Try the faults on copies of a copy; the exit code."""
    began, survived = time.monotonic(), 0
    if why := pool.submit(sound, chosen, clean).result():
        print(why)
        return 1
    print(f"without a fault all tests pass, {time.monotonic() - began:.0f} s", flush=True)
    for fault, (why, seconds) in zip(chosen, pool.map(partial(tried, clean=clean), chosen), strict=True):
        survived += bool(why)
        print(f"{'SURVIVED' if why else 'killed'} {seconds:5.1f} s  {fault.area}: {fault.says}", flush=True)
        if why:
            print("  " + why.replace("\n", "\n  "))
    print(f"{len(chosen) - survived} of {len(chosen)} killed, {survived} survived, {time.monotonic() - began:.0f} s")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
