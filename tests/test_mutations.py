"""The list of planted faults fits the code as it is now; `python tests/mutations.py` tries them."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.mutations import ROOT, Fault, faults, main

FAULTS = faults()
LEAST = 60
AREAS = {
    "attacks",
    "certificates",
    "compressors",
    "covering",
    "engine",
    "evaluation",
    "kernels",
    "maps",
    "study",
    "training",
    "types",
}


def functions(path: Path) -> set[str]:
    """Names of the test functions of a file."""
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.area}: {fault.says}")
def test_every_fault_can_still_be_planted_and_its_tests_are_there(fault: Fault):
    assert fault.planted((ROOT / fault.file).read_text()) != (ROOT / fault.file).read_text()
    assert fault.tests and fault.says and not fault.says.endswith(".")
    for node in fault.tests:
        path, _, name = node.partition("::")
        assert name.split("[")[0] in functions(ROOT / path), node


def test_there_are_enough_of_every_area_and_none_twice():
    assert len(FAULTS) >= LEAST and {fault.area for fault in FAULTS} >= AREAS
    twice = [what for what, count in Counter((f.file, f.old, f.new) for f in FAULTS).items() if count > 1]
    assert not twice
    assert len({(fault.area, fault.says) for fault in FAULTS}) == len(FAULTS)


def test_a_fault_is_a_wrong_number_and_not_a_name_that_is_not_there(tmp_path: Path):
    """A test that falls over an undefined name would prove nothing."""
    for number, fault in enumerate(FAULTS):
        (tmp_path / f"fault_{number}.py").write_text(fault.planted((ROOT / fault.file).read_text()))
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821,F823", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_text_that_is_not_there_once_is_an_error():
    fault = Fault("a", "b", "c.py", "x = 1", "x = 2", ())
    assert fault.planted("y = 0\nx = 1\n") == "y = 0\nx = 2\n"
    for text in ("y = 0\n", "x = 1\nx = 1\n"):
        with pytest.raises(ValueError, match=r"c\.py must hold the text once"):
            fault.planted(text)


def test_nothing_that_matches_is_an_error_and_the_list_can_be_read(capsys):
    assert main(["--only", "no such fault"]) == 1 and main(["--list"]) == 0
    assert capsys.readouterr().out.count("\n") == len(FAULTS) + 1
