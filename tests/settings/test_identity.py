"""What a run is known by: equal for what computes the same, from wherever, and another one for other data."""

import os
from dataclasses import replace

import numpy as np
import pytest

from core.compressors import METHODS
from core.settings import history, identity
from core.settings.identity import digest, fingerprint
from core.settings.run import RunConfig


def known(values, basis=None):
    return identity.identity(values, basis).digest


def config(path, **changes):
    return RunConfig(**{"data": {"name": str(path)}, "method": "random", **changes}).to_json()


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.npz"
    path.write_bytes(b"two moons")
    return path


def test_digests_see_values_not_order():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})


def test_a_replaced_file_is_another_data_set_even_with_its_old_size_and_time(own):
    before, times = known(config(own)), own.stat()
    other = own.with_name("other.npz")
    other.write_bytes(b"all noise")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(own)
    assert own.stat().st_size == times.st_size and own.stat().st_mtime_ns == times.st_mtime_ns
    assert known(config(own)) != before


def test_a_file_that_was_only_touched_or_moved_is_the_same(own, tmp_path, monkeypatch):
    before = known(config(own))
    os.utime(own, (1, 1))
    assert known(config(own)) == before
    moved = own.rename(tmp_path / "elsewhere.npz")
    assert known(config(moved)) == before
    monkeypatch.chdir(tmp_path)
    assert known(config("elsewhere.npz")) == before  # as a shell names it


def test_a_folder_is_known_by_its_files(tmp_path):
    folder = tmp_path / "images" / "cat"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"a")
    before = fingerprint(tmp_path / "images")
    assert fingerprint(tmp_path / "images") == before != ""
    (folder / "b.png").write_bytes(b"b")
    assert fingerprint(tmp_path / "images") != before


def test_a_file_that_a_method_takes_counts_by_its_content_too(tmp_path):
    path = tmp_path / "start.npz"
    path.write_bytes(b"one")
    values = RunConfig(method={"name": "kip", "options": {"start": str(path)}}).to_json()
    before = known(values)
    path.write_bytes(b"other")
    assert known(values) != before


def test_a_further_job_is_known_by_what_it_judges(tmp_path):
    path = tmp_path / "last.safetensors"
    path.write_bytes(b"weights")
    values = {"settings": RunConfig().to_json(), "model": str(path)}
    before = known(values)
    path.write_bytes(b"other weights")
    assert known(values) != before


def test_every_setting_counts(own):
    base = config(own)
    changed = [config(own, seed=1), config(own, networks=2), config(own, method="full"), config(own, network="mlp")]
    assert len({known(values) for values in (base, *changed)}) == 5


def test_a_method_that_computes_something_else_is_another_one(own, monkeypatch):
    before = identity.identity(config(own))
    row = METHODS["random"]
    monkeypatch.setitem(METHODS, "random", replace(row, version=row.version + 1))
    assert known(config(own)) != before.digest
    assert known(config(own), before.basis) == before.digest  # what was done then stays what it was


def test_a_name_of_the_table_is_no_path(tmp_path, monkeypatch):
    before = known(config("digits"))
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "x", np.zeros(3))
    (tmp_path / "x.npy").rename(tmp_path / "digits")
    assert known(config("digits")) == before


def test_what_does_not_exist_is_known_by_its_name(tmp_path):
    assert known(config(tmp_path / "a.npz")) != known(config(tmp_path / "b.npz"))


def test_the_stamp_of_the_options_changes_with_a_row(monkeypatch):
    before = history.stamp()
    assert history.stamp() == before
    monkeypatch.setitem(METHODS, "random", replace(METHODS["random"], Config=METHODS["mfc"].Config))
    assert history.stamp() != before
