"""Threads follow the size of the images; the device is chosen by what is there and what the user asks."""

import pytest
import torch

from core.engine import device
from core.errors import ConfigError


@pytest.fixture(autouse=True)
def restore_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_tiny_images_get_one_thread_and_larger_ones_what_is_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    device.share_threads(28 * 28)
    assert torch.get_num_threads() == 2
    device.share_threads(8 * 8)
    assert torch.get_num_threads() == 1


def test_the_users_device_wins_or_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_DEVICE", "CPU")
    assert device.choose() == "cpu"
    monkeypatch.setenv("BALLAST_DEVICE", "abacus")
    with pytest.raises(ConfigError, match=r"BALLAST_DEVICE is 'abacus', this machine has: .*cpu"):
        device.choose()
