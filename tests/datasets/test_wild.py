"""For any source: pixels × the stated mapping give it back, nothing is lost, and damage is a sentence."""

import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from core.datasets import understand
from core.errors import BallastError
from core.events import drive
from core.types import DataConfig, Dataset, Split, Understood
from tests.datasets.wild import CHECKED, FORMS, Truth, damaged, drawn, files_of

SOURCES, DAMAGES = 96, 200


def ask(truth: Truth, **settings) -> tuple[Understood, Dataset | None]:
    config = DataConfig(name=str(truth.path), range=truth.range, shape=truth.shape, **settings)
    found, dataset = drive(understand(config, root=truth.path.parent))
    assert found is not None
    return found, dataset


def restored(split: Split, found: Understood) -> np.ndarray:
    """Images (n, h, w) or (n, h, w, 3) as the source has them, from pixels and the stated mapping alone."""
    ((low, high),) = found.range.read_as
    pixels = split.x.astype(np.float64) / (split.levels or 1)
    values = low + pixels * (high - low)
    values = values if high == 1 and low == 0 and not split.levels else np.rint(values)
    return values[:, 0] if split.shape[0] == 1 else values.transpose(0, 2, 3, 1)


def keyed(x: np.ndarray) -> list[bytes]:
    return [np.ascontiguousarray(image, np.float64).tobytes() for image in x]


@pytest.mark.parametrize("seed", range(SOURCES), ids=lambda seed: f"{FORMS[seed % len(FORMS)].__name__}-{seed}")
def test_pixels_and_mapping_give_the_source_back_and_nothing_is_lost(seed: int, tmp_path: Path):
    truth = drawn(tmp_path / "in", seed)
    found, dataset = ask(truth)
    assert dataset is not None, found.range
    assert not found.range.needs_answer
    counts = {part: len(x) for part, (x, _) in truth.parts.items()}
    assert sum(found.parts.values()) == sum(counts.values())
    if "test" in counts or "val" in counts:
        test = "test" if "test" in counts else "val"
        assert found.parts["train"] == counts["train"]
        assert found.parts["test"] == counts[test]
        assert found.parts["validation"] == (counts.get("val", 0) if test == "test" else 0)
        used = [(dataset.train, truth.parts["train"]), (dataset.test, truth.parts[test])]
        for split, (x, y) in used:
            pairs = zip(keyed(restored(split, found)), split.y.tolist(), strict=True)
            assert sorted(pairs) == sorted(zip(keyed(x), y.tolist(), strict=True))
    else:
        both = [restored(split, found) for split in (dataset.train, dataset.test)]
        assert sorted(keyed(np.concatenate(both))) == sorted(keyed(truth.parts["train"][0]))


@pytest.mark.parametrize("seed", range(0, SOURCES, 7))
def test_a_source_without_its_answer_is_never_read_as_something_else(seed: int, tmp_path: Path):
    truth = drawn(tmp_path / "in", 8 * seed + 2)  # an .npz
    found, dataset = ask(Truth(truth.path, truth.form, truth.parts))
    assert (dataset is None) == found.range.needs_answer == bool(truth.range)


def tried(truth: Truth, skip: bool) -> str:
    """Read a source that may be damaged: "read" or the sentence; anything but a sentence is an error."""
    try:
        found, dataset = ask(truth, skip_bad=skip)
    except BallastError as error:
        assert "\n" not in str(error)
        return str(error)
    if dataset is not None and truth.form in CHECKED and found.range.read_as:
        known = {key for x, _ in truth.parts.values() for key in keyed(x)}
        seen = [key for split in (dataset.train, dataset.test) for key in keyed(restored(split, found))]
        assert set(seen) <= known, "damage was read as pixels"
    return "read"


@pytest.mark.parametrize("seed", range(DAMAGES), ids=lambda seed: f"{FORMS[seed % len(FORMS)].__name__}-{seed}")
def test_damage_is_a_sentence(seed: int, tmp_path: Path):
    truth, rng = drawn(tmp_path / "in", seed), np.random.default_rng(1000 + seed)
    files = files_of(truth)
    file = files[rng.integers(len(files))]
    file.write_bytes(damaged(file.read_bytes(), rng))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tried(truth, bool(rng.integers(2)))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown / (1e6 if sys.platform == "darwin" else 1e3) < 1000, "a small damaged file took a gigabyte"
