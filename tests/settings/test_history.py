"""Runs of earlier versions: found by what equal runs are known by today, unless their data changed."""

import os

import pytest

from core.settings import history
from core.settings.identity import identity
from core.settings.run import RunConfig
from core.types import RunRecord


def record(config, **fields):
    return RunRecord(**{"id": "old", "kind": "run", "name": "", "status": "done", "config": config, "created": 1e9,
                        **fields})  # fmt: skip


def test_a_run_stored_before_an_option_existed_counts_with_its_default():
    today = RunConfig(method="kip").to_json()
    old = RunConfig(method="kip").to_json()
    del old["method"]["options"]["start"], old["evaluation"]["live_images"], old["networks"]
    assert history.healed(record(old))[0] == identity(today).digest


def test_a_run_under_a_renamed_option_is_the_same():
    old = RunConfig(network="resnet18").to_json()
    old["network"]["options"]["norm"] = old["network"]["options"].pop("normalisation")
    assert history.healed(record(old))[0] == identity(RunConfig(network="resnet18").to_json()).digest


@pytest.mark.parametrize("changed_after, found", [(False, True), (True, False)])
def test_a_run_on_a_file_counts_only_if_the_file_is_older(tmp_path, changed_after, found):
    path = tmp_path / "mine.npz"
    path.write_bytes(b"pixels")
    now = 1e9 + (10 if changed_after else -10)
    os.utime(path, (now, now))
    config = RunConfig(data={"name": str(path)}).to_json()
    assert (history.healed(record(config))[0] == identity(config).digest) is found


def test_what_cannot_be_read_any_more_equals_nothing():
    assert history.healed(record({"method": {"name": "alchemy"}}))[0] == ""
    assert history.healed(record({}, kind="width"))[0] == ""


def test_a_run_keeps_the_content_it_was_made_of(tmp_path):
    path = tmp_path / "mine.npz"
    path.write_bytes(b"pixels")
    config = RunConfig(data={"name": str(path)}).to_json()
    then = identity(config)
    path.write_bytes(b"noise")
    assert history.healed(record(config, digest=then.digest, basis=then.basis))[0] == then.digest
    assert identity(config).digest != then.digest


def test_networks_trained_from_the_seeds_of_then_are_not_mixed_with_those_of_now():
    config = RunConfig(networks=3).to_json()
    assert history.healed(record(config))[0] == "" != identity(config).digest
    assert history.healed(record(RunConfig(networks=1).to_json()))[0] != ""
