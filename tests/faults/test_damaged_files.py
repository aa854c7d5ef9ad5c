"""Every file of a run, cut off, emptied and with a flipped byte: computed anew, said so, and kept as evidence."""

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.engine import artifacts, kept, writing
from core.engine.job import Job
from core.engine.kept import DAMAGED
from core.errors import ResourceError, RunError
from core.events import drive
from core.jobs import cache, keeping, run
from core.settings.run import RunConfig

CONFIG = RunConfig(
    data={"name": "digits", "limit": 20},
    method={"name": "k-center", "options": {"ipc": 2}},
    network={"name": "mlp", "options": {"width": 8, "depth": 1}},
    training={"name": "standard", "options": {"epochs": 3}},
    evaluation={"images": 20, "attack_steps": 2, "curve_points": 2, "curve_images": 10, "live_images": 0},
).to_json()  # fmt: skip
OF_THE_RUN = (
    "condensed.npz", "members.npz", "map.npz", "last.safetensors", "best.safetensors", "report.json", "data.json",
)  # fmt: skip
OF_THE_DATA = ("map.npz", "enemies-L2.npz", "x_train.npy", "y_train.npy", "about.json", "test.npz")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    path.write_bytes(content)


def job(home: Path, name: str = "run") -> Job:
    (home / name).mkdir(exist_ok=True)
    return Job(folder=home / name, home=home, device="cpu")


def numbers(values):
    """What must be equal between attempts: all but time and place, at any depth."""
    if isinstance(values, dict):
        return {k: numbers(v) for k, v in values.items() if not k.startswith(("seconds", "out"))}
    return [numbers(value) for value in values] if isinstance(values, list) else values


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A home with one finished run, and what it found."""
    home = tmp_path_factory.mktemp("whole")
    return home, drive(run.run(CONFIG, job(home)))


@pytest.fixture
def home(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "home")
    return tmp_path / "home"


@pytest.mark.parametrize("harm", [cut, empty, flip])
@pytest.mark.parametrize("name", OF_THE_RUN)
def test_a_run_whose_file_is_damaged_resumes_to_the_same_numbers(whole, home, name, harm):
    path, again = home / "run" / name, job(home)
    before = path.read_bytes()
    harm(path)
    damaged = path.read_bytes()
    assert numbers(drive(run.run(CONFIG, again))) == numbers(whole[1])
    assert path.read_bytes() == before or name == "report.json"  # which has seconds in it
    if name == "data.json" and harm is flip:
        return  # a name with another letter still says the same of the data
    assert any(note.startswith(f"{name} was damaged and is computed anew") for note in again.ledger.notes)
    assert (home / "run" / (name + DAMAGED)).read_bytes() == damaged


@pytest.mark.parametrize(
    ("name", "harm"),
    [(n, h) for n in OF_THE_DATA for h in (cut, empty, flip) if (n, h) != ("about.json", flip)],  # names are free text
)
def test_a_new_run_on_data_whose_kept_file_is_damaged_finds_the_same(whole, home, name, harm):
    (path,) = home.glob(f"cache/*/{name}")
    before, other = path.read_bytes(), job(home, "other")
    harm(path)
    assert numbers(drive(run.run(CONFIG, other))) == numbers(whole[1])
    assert path.read_bytes() == before
    assert any(note.startswith(f"{name} was damaged") for note in other.ledger.notes)


@pytest.mark.parametrize("stage", ["condense", "train"])
def test_a_damaged_checkpoint_begins_the_stage_again(whole, home, stage):
    for name in ("report.json", "last.safetensors", *(["condensed.npz"] if stage == "condense" else [])):
        (home / "run" / name).unlink()
    keeping.checkpoint_path(home / "run", stage).write_bytes(b"half a checkpoint")
    again = job(home)
    assert numbers(drive(run.run(CONFIG, again))) == numbers(whole[1])
    assert [note.split()[0] for note in again.ledger.notes] == [f"checkpoint-{stage}.npz"]


def test_what_was_made_of_a_damaged_set_is_not_taken_for_what_is_made_of_the_new_one(home):
    cut(home / "run" / "condensed.npz")
    work = run.run(CONFIG, job(home))
    next(event for event in work if event.stage == "condense")
    work.close()
    left = {path.name for path in (home / "run").iterdir()}
    assert not left & {"members.npz", "map.npz", "last.safetensors", "best.safetensors", "report.json"}


def test_a_file_that_cannot_be_read_at_the_moment_is_left_where_it_is(tmp_path):
    path = tmp_path / "condensed.npz"
    artifacts.save_arrays(path, {"x": np.zeros(3)})

    def crowded(path):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    said: list[str] = []
    with pytest.raises(ResourceError, match="no more open files"):
        kept.kept(path, crowded, said)
    assert path.exists() and not said and len(list(tmp_path.iterdir())) == 1


def test_no_more_descriptors_move_nothing_aside(home, monkeypatch):
    def crowded(self, *mode, **options):
        raise OSError(errno.EMFILE, "Too many open files", str(self))

    said: list[str] = []
    for name, read in (("condensed.npz", artifacts.load_condensed), ("report.json", artifacts.load_json)):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", crowded)
            with pytest.raises(ResourceError, match="no more open files"):
                kept.kept(home / "run" / name, read, said)
        assert (home / "run" / name).exists() and not said


def test_evidence_is_never_overwritten(tmp_path):
    path, said = tmp_path / "a.json", []
    for text in ("{", "[", "nonsense"):
        path.write_text(text)
        assert kept.kept(path, artifacts.load_json, said) is None
    assert {p.read_text() for p in tmp_path.iterdir()} == {"{", "[", "nonsense"} and len(set(said)) == 3
    assert kept.kept(path, artifacts.load_json, said) is None and len(said) == 3  # missing is no damage


def test_pages_say_in_one_sentence_that_kept_images_are_damaged(home):
    (path,) = home.glob("cache/*/x_train.npy")
    cut(path)
    with pytest.raises(RunError, match="are damaged: run it again"):
        cache.opened(home / "cache", path.parent.name)


def test_a_file_takes_its_place_only_when_it_is_on_the_disk(tmp_path, monkeypatch):
    steps = []
    with writing.FAILPOINT.armed(lambda step, path: steps.append((step, path.name, path.exists()))):
        writing.save_bytes(tmp_path / "a", b"one")
    assert steps == [
        ("write", "a", False), ("sync", "a", False), ("rename", "a", False), ("sync folder", "a", True),
        ("written", "a", True),
    ]  # fmt: skip
