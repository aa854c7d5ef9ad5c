"""Imports only point down, same-rank packages do not know each other, and the page side stays light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RANKS = {
    "core.types": 0, "core.errors": 0, "core.events": 0,
    "core.covering": 1, "core.kernels": 1, "core.attacks": 1, "core.networks": 1, "core.plots": 1,
    "core.compressors": 2, "core.training": 2, "core.datasets": 2, "core.evaluation": 2, "core.maps": 2,
    "core.runs": 3,
    "core.api": 4,
    "core.ui": 5, "core.cli": 5, "core.__main__": 6,
    "pages": 6,
    "app": 7,
}  # fmt: skip
LOWEST = {"core.types", "core.errors", "core.events"}  # one rank, free among themselves
HEAVY = {"torch", "torchvision", "torchattacks", "sklearn", "umap", "faiss", "scipy", "numba", "highspy",
         "vl_convert"}  # fmt: skip
FILES = sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"])


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
    assert {package(".".join(p.relative_to(ROOT).with_suffix("").parts)) for p in users} <= {"core.ui", "pages", "app"}


@pytest.mark.parametrize("module", ["core.api", "core.ui.chart", "core.runs.config", "core.runs.flags"])
def test_page_side_imports_nothing_heavy(module: str):
    code = f"import sys, importlib; importlib.import_module({module!r}); print(*sorted(set(sys.modules) & {HEAVY!r}))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == []
