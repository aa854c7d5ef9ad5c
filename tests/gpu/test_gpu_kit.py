"""The GPU kit: on the CPU at toy size, so that it is no dead code; whole on a GPU where there is one."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import gpu, gpu_checks, gpu_pieces
from core.types import TrainSplit

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("streamlit", "sklearn", "scipy", "umap", "faiss", "pandas", "plotly", "PIL", "highspy", "torchvision")


@pytest.fixture(scope="module")
def train() -> TrainSplit:
    return gpu.images(None)


def test_every_check_holds_and_every_rate_is_measured_on_a_cpu(train):
    found = gpu.measured("cpu", gpu.TOY, train, time.monotonic() + 600)
    checks, rates = found["checks"], found["rates"]
    assert [check["what"] for check in checks if not check["holds"]] == []
    assert len(checks) >= 15 and len({check["what"] for check in checks}) == len(checks)
    assert len(rates) == 8 and all(rate["per_second"] > 0 for rate in rates)
    shares = [rate["share_of_peak"] for rate in rates if rate["share_of_peak"] is not None]
    assert len(shares) == 4 and all(0 < share < 1.5 for share in shares)
    assert found["left_out"] == []


def test_parts_that_would_begin_too_late_are_named(train):
    found = gpu.measured("cpu", gpu.TOY, train, time.monotonic() - 1)
    assert found["checks"] == found["rates"] == [] and len(found["left_out"]) == 11


def test_a_device_that_computes_otherwise_is_found(train, monkeypatch):
    """As if the device's copy of a network had other weights, and its generator another seed each time."""
    copy = gpu_checks.moved

    def damaged(network, device):
        other = copy(network, device)
        with torch.no_grad():
            other.head.weight.neg_()
        return other

    monkeypatch.setattr(gpu_checks, "moved", damaged)
    assert not all(check.holds for check in gpu_checks.attacks_agree("cpu", gpu.TOY, train))
    monkeypatch.undo()
    seeds = iter(range(100))
    monkeypatch.setattr(gpu_pieces, "stream", lambda *_: next(seeds))
    assert not all(check.holds for check in gpu_checks.seeds_repeat("cpu", gpu.TOY, train))


def test_images_of_a_file_are_shuffled_and_channel_first(tmp_path):
    x, y = np.arange(60 * 4 * 4 * 3, dtype=np.int64) % 256, np.repeat(np.arange(10), 6)
    np.savez(tmp_path / "colour.npz", x_train=x.reshape(60, 4, 4, 3).astype(np.uint8), y_train=y)
    colour = gpu.images(tmp_path / "colour.npz")
    assert colour.shape == (3, 4, 4) and len(set(colour.y[:20].tolist())) > 5


def test_it_needs_few_libraries():
    """On a bare machine torch, numpy, numba, pydantic and psutil must do."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({HEAVY!r}))  # to import one fails as if it were not there
from benchmarks import gpu, gpu_checks, gpu_rates
train = gpu.images(None)
for part in (gpu_checks.kernels_agree, gpu_checks.seeds_repeat, gpu_rates.dm_speed, gpu_rates.kip_speed):
    list(part("cpu", gpu.TOY, train))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_every_check_holds_on_the_gpu(train):
    sizes = replace(gpu.FULL, images=500)
    for part in gpu.CHECKS:
        for check in part("cuda", sizes, train):
            assert check.holds, check
