"""A run killed where it changes what is on disk goes on to the same bytes: a few places here, all in the benchmark."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed here by forking it")
def test_nothing_is_lost_wherever_a_run_is_killed_or_the_disk_is_full():
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BALLAST_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "benchmarks/crash.py", "--points", "7", "--fault", "kill", "full"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for fault, told in zip(("kill", "full"), json.loads(done.stdout), strict=True):
        assert (told["fault"], told["all"], told["losses"]) == (fault, 7, 0) and told["steps of the run"] >= 200
