"""Imports only point down, same-rank packages do not know each other, and the page side stays light."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RANKS = {
    "core.types": 0, "core.errors": 0, "core.events": 0,
    "core.covering": 1, "core.kernels": 1, "core.attacks": 1, "core.networks": 1, "core.plots": 1, "core.engine": 1,
    "core.certificates": 1, "core.published": 1,
    "core.compressors": 2, "core.training": 2, "core.datasets": 2, "core.evaluation": 2, "core.maps": 2,
    "core.settings": 3,
    "core.jobs": 4,
    "core.study": 5,
    "core.api": 6,
    "core.ui": 7, "core.cli": 7, "core.__main__": 8,
    "pages": 8,
    "app": 9, "serve": 9,
}  # fmt: skip
LOWEST = {"core.types", "core.errors", "core.events"}  # one rank, free among themselves
HEAVY = {"torch", "torchvision", "torchattacks", "sklearn", "umap", "faiss", "scipy", "numba", "highspy",
         "vl_convert", "psycopg", "ray"}  # fmt: skip
FILES = sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py", ROOT / "serve.py"])


def package(module: str) -> str | None:
    """The ranked package a dotted module belongs to, or None for the outside world."""
    parts = module.split(".")
    if parts[0] == "core":
        return ".".join(parts[:2])
    return parts[0] if parts[0] in RANKS else None


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module} if node.module != "core" else {f"core.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path):
    here = package(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if here == "core.__init__":
        here = "core.types"
    assert here in RANKS, f"{path} is in no layer: give its package a rank"
    for name in imported(path):
        there = package(name)
        if there is None or there == here or {here, there} <= LOWEST:
            continue
        assert there in RANKS, f"{path} imports {name}, which is in no layer"
        assert RANKS[there] < RANKS[here], f"{path} (rank {RANKS[here]}) imports {name} (rank {RANKS[there]})"


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.parts[-2] == "pages" or p.name == "app.py"], ids=lambda p: p.name
)
def test_pages_know_no_numerics_and_stay_short(path: Path):
    assert not {name.split(".")[0] for name in imported(path)} & (HEAVY | {"numpy"})
    assert len(path.read_text(encoding="utf-8").splitlines()) < (40 if path.name == "app.py" else 120)


def test_streamlit_stays_in_the_ui():
    users = {p for p in FILES if any(name.split(".")[0] == "streamlit" for name in imported(p))}
    assert {package(".".join(p.relative_to(ROOT).with_suffix("").parts)) for p in users} <= {
        "core.ui",
        "pages",
        "app",
        "serve",
    }


# Imports inside functions or for type checkers, which the rest of the code does without, each with its reason
INSIDE = {
    "core/attacks/autoattack.py": "torchattacks takes four seconds, and most runs end without AutoAttack",
    "core/engine/device.py": "covers and data descriptions are done in processes without torch",
    "core/events.py": "an event names the type of the live network, which only workers have",
    "core/jobs/warm.py": "to import at a chosen moment is its work",
    "core/maps/umap.py": "umap takes five seconds, and most runs find their map in the cache",
}
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
ENTRANCES = ("app", "core.cli.main", "core.settings.history", *(name for name in MODULES if name.startswith("pages.")))


def walk(tree: ast.AST, inside: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import, and whether it is within a function or for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, inside
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        later |= isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        yield from walk(node, inside or later)


@cache
def needs(module: str, *, at_once: bool = False) -> frozenset[str]:
    """Our modules and foreign packages that a module imports; `at_once` leaves out what is imported in functions."""
    found: set[str] = set()
    for node, inside in walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if inside and at_once:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in inner]
        found |= {name if name in MODULES else name.split(".")[0] for name in names}
    return frozenset(found)


def test_no_files_import_each_other_in_a_circle():
    graph = {name: needs(name) & MODULES.keys() for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"a circle of imports: {' -> '.join(circle.args[1])}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_at_its_top_what_it_uses(path: Path):
    within = [ast.unparse(node) for node, inside in walk(ast.parse(path.read_text(encoding="utf-8"))) if inside]
    name = path.relative_to(ROOT).as_posix()
    assert not within or name in INSIDE, f"{within}: import at the top, or name the work in a table (core.types.Named)"
    assert within or name not in INSIDE, f"{name} imports nothing inside functions any more: take it from the list"


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_nothing_heavy_is_reached_from_a_page_or_the_command_line(entrance: str):
    came_from, ahead = {entrance: ""}, [entrance]
    while ahead:
        module = ahead.pop()
        for name in needs(module, at_once=True):
            if name in HEAVY:
                way = [name]
                while module:
                    way, module = [module, *way], came_from[module]
                pytest.fail(" -> ".join(way))
            parents = [".".join(name.split(".")[:depth]) for depth in range(1, name.count(".") + 2)]
            for part in parents:  # importing core.a.b runs core.a first
                if part in MODULES and part not in came_from:
                    came_from[part] = module
                    ahead.append(part)


def page_side() -> list[str]:
    """What pages import, in one process."""
    used = {name for page in MODULES if page.startswith("pages.") for name in needs(page) if name in MODULES}
    return sorted(used | {"core.api", "core.ui.chart", "core.settings.run", "core.settings.flags", "core.jobs.kinds"})


STEPS = {  # of one process, in this order
    "core --help": "sys.argv = ['core', '--help']; from core.cli.main import app; app(standalone_mode=False)",
    "core methods": "sys.argv = ['core', 'methods']; app(standalone_mode=False)",
    "pages": f"for name in {page_side()}: importlib.import_module(name)",
}


def test_the_help_and_the_page_process_load_nothing_heavy():
    told = f"print('heavy:', *sorted(set(sys.modules) & {HEAVY | {'altair'}!r}))"
    code = "\n".join(["import importlib, sys", *(f"{step}\n{told}" for step in STEPS.values())])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    found = [line for line in done.stdout.splitlines() if line.startswith("heavy:")]
    assert dict(zip(STEPS, found, strict=True)) == dict.fromkeys(STEPS, "heavy:")


def test_covers_and_descriptions_do_without_torch():
    code = "import sys, core.jobs.cover, core.jobs.frontier, core.jobs.data; print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "False"
