"""The door: what pages and scripts may rely on, from names and values to names and values."""

import errno
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import api
from core.api import workplace
from core.errors import ConfigError, DataError, RunError
from core.types import ENDED, DataConfig

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 400  # seconds until a promise counts as broken on a crowded machine that compiles everything first
QUICK = {
    "data": {"name": "digits", "limit": 12},
    "method": {"name": "k-center", "options": {"ipc": 2}},
    "network": {"name": "mlp", "options": {"width": 8, "depth": 1}},
    "training": {"name": "standard", "options": {"epochs": 3}},
    "evaluation": {"images": 30, "attack_steps": 2, "curve_points": 2, "curve_images": 10, "live_images": 10},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home of our own with its pool of workers, shared by this module's tests."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BALLAST_HOME", str(folder))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder
        workplace.close()


def ended(run):
    deadline = time.monotonic() + PATIENCE
    while (record := api.get(run)).status not in ENDED:
        assert time.monotonic() < deadline, f"still {record.status}: {api.events(run)[-1:]}"
        time.sleep(0.05)
    return record


@pytest.fixture(scope="module")
def finished(home):
    """One run done by a real worker."""
    record = ended(api.submit(QUICK))
    assert record.status == "done", record.error
    return record


def test_a_run_is_done_by_a_worker_and_remembered(finished, home):
    assert finished.name == "k-center, 2 per class, digits, standard training, MLP" and finished.kind == "run"
    assert finished.device.startswith(("cpu", "cuda", "mps")) and api.device() == finished.device
    assert {"python", "torch", "numpy"} <= set(finished.versions) and finished.peak_rss_mb > 50
    assert set(finished.seconds) == {"load", "condense", "map", "train", "look", "evaluate"}
    assert finished.data_hash == finished.result["data_hash"] and finished.result["peak_rss_mb"] > 50
    assert finished.config == api.RunConfig(**QUICK).to_json()
    events = api.events(finished.id)
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert api.events(finished.id, after=events[-2].seq) == events[-1:]
    assert [r.id for r in api.runs(text="K-CENTER digits")] == [finished.id] and api.runs(text="resnet") == []


def test_what_a_run_left_is_drawn_from_values(finished):
    assert Image.open(io.BytesIO(api.image(finished.id))).format == "PNG"
    assert api.image(finished.id, "nothing") is None
    for wrong in ("../store", "a/b", "", "A"):
        with pytest.raises(RunError, match="a picture's name"):
            api.image(finished.id, wrong)
    data = api.map_data(finished.id)
    assert data.xy.shape == (120, 2) and data.total == 120 and len(data.centres) == 20 and data.norm == "L2"
    assert np.array_equal(data.owner[data.centres], np.arange(20)) and not data.true_space


def test_members_are_all_images_of_a_centre_nearest_first(finished):
    data = api.map_data(finished.id)
    found = [api.members(finished.id, centre) for centre in range(20)]
    assert sorted(np.concatenate([m.rows for m in found]).tolist()) == list(range(120))
    for centre, one in enumerate(found):
        assert (np.diff(one.distance) >= 0).all() and one.distance[0] == 0 and one.norm == "L2"
        assert one.rows[0] == data.rows[data.centres[centre]] and one.label == str(centre // 2)
    assert max(one.distance[-1] for one in found) == finished.result["radius"]
    for wrong in (-1, 20):
        with pytest.raises(RunError, match=f"no condensed image {wrong}"):
            api.members(finished.id, wrong)


def test_thumbnails_are_a_strip_of_train_images(finished):
    strip = Image.open(io.BytesIO(api.thumbnails(finished.id, [0, 5, 9])))
    assert strip.width > 2 * strip.height
    for wrong in ([], [120], [-1], list(range(201))):
        with pytest.raises(RunError, match="thumbnails need 1 to 200 rows"):
            api.thumbnails(finished.id, wrong)


def test_everything_comes_in_one_zip(finished):
    with zipfile.ZipFile(io.BytesIO(api.export(finished.id))) as file:
        names = set(file.namelist())
        record = json.loads(file.read("record.json"))
        assert file.testzip() is None
    assert {
        "record.json", "metrics.csv", "condensed.npz", "condensed.png", "map.npz", "last.safetensors", "report.json",
    } <= names and not any(name.endswith(".lock") for name in names)  # fmt: skip
    assert record["config"] == finished.config and record["result"] == finished.result


def test_references_are_found_and_queued_once(finished):
    assert api.references(QUICK) == {"random": None, "k-means": None, "full": None}
    queued = api.submit_references(QUICK)
    assert len(queued) == 3 and api.submit_references(QUICK) == []
    random, means, full = (ended(run) for run in queued)
    assert (random.result["method"], random.result["budget"], full.result["method"]) == ("random", 20, "full")
    assert {name: r.id for name, r in api.references(QUICK).items()} == {
        "random": random.id, "k-means": means.id, "full": full.id,
    }  # fmt: skip
    assert api.references(random.config) == {
        "random": None, "k-means": api.get(means.id), "full": api.get(full.id),
    }  # fmt: skip
    with pytest.raises(RunError, match="no memberships"):
        api.members(full.id, 0)


def test_a_budget_that_was_found_has_a_reference_once_it_is_known(finished):
    by_radius = {**QUICK, "method": {"name": "mfc", "options": {"radius": 1.8}}}
    assert api.references(by_radius)["random"] is None
    record = ended(api.submit(by_radius))
    assert record.result["radius"] <= 1.8
    ipc = round(record.result["budget"] / 10)
    wanted = {**QUICK, "method": {"name": "random", "options": {"ipc": ipc}}}
    assert api.references(by_radius)["random"] is None
    run = next(r for r in map(api.get, api.submit_references(by_radius)) if r.config["method"]["name"] == "random")
    assert run.config == api.RunConfig(**wanted).to_json()
    api.cancel(run.id)
    ended(run.id)


def test_cancel_resume_again_rename_delete(finished):
    slow = {**QUICK, "training": {"name": "adversarial", "options": {"epochs": 5000}}}
    run = api.submit(slow, name="slow")
    deadline = time.monotonic() + PATIENCE
    while not any(e.stage == "train" and e.done for e in api.events(run)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(RunError, match="cancel it before deleting"):
        api.delete(run)
    api.cancel(run)
    record = ended(run)
    assert record.status == "cancelled" and record.resumable
    api.resume(run)
    assert api.get(run).status in ("queued", "running")
    api.cancel(run)
    assert ended(run).status == "cancelled"
    copy = api.again(finished.id)
    assert api.get(copy).config == finished.config and copy != finished.id
    api.rename(run, "  slower ")
    assert api.get(run).name == "slower"
    with pytest.raises(RunError, match="1 to 120 letters"):
        api.rename(run, " ")
    left = {path.name for path in (api.home() / "runs" / run).iterdir()}
    api.delete(run)
    assert not (api.home() / "runs" / run).exists() and run in {r.id for r in api.trashed()}
    assert run not in {r.id for r in api.runs()}
    with pytest.raises(RunError, match="is in the trash"):
        api.get(run)
    api.restore(run)
    assert {path.name for path in (api.home() / "runs" / run).iterdir()} == left and api.get(run).name == "slower"
    api.delete(run, now=True)
    assert not (api.home() / "runs" / run).exists() and run not in {r.id for r in api.trashed()}
    for call in (api.get, api.cancel, api.resume, api.delete, api.map_data, api.export):
        with pytest.raises(RunError, match="there is no run"):
            call(run)
    assert same(ended(copy).result) == same(finished.result)


def same(values):
    """Everything but time, place and memory, at any depth."""
    if isinstance(values, list):
        return [same(value) for value in values]
    if isinstance(values, dict):
        return {k: same(v) for k, v in values.items() if not k.startswith(("seconds", "out", "peak_rss"))}
    return values


def test_wrong_settings_are_refused_before_anything_is_stored(home):
    before = len(api.runs(kind=None))
    for wrong, message in (
        ({"method": {"name": "none"}}, "no method called"),
        ({"colour": 1}, "colour is not a setting"),
        ({"seed": -1}, "seed"),
        ({"training": {"name": "adversarial", "options": {"eps": -1}}}, "training adversarial: eps"),
    ):
        assert message in api.check(wrong)
        with pytest.raises(ConfigError, match=message):
            api.submit(wrong)
    assert len(api.runs(kind=None)) == before and api.check(QUICK) == ""


def test_a_data_set_is_prepared_once_and_described(home):
    config = DataConfig(name="digits")
    assert api.prepared(config) is None
    run = api.prepare(config)
    record = ended(run)
    assert record.status == "done", record.error
    assert api.prepare(config) == run and api.prepared(config).id == run and api.prepared(DataConfig(seed=1)) is None
    found = record.result
    assert (found["train_images"], found["test_images"], found["shape"]) == (1438, 359, [1, 8, 8])
    assert sum(found["train_counts"]) == 1438 and (found["minimum"], found["maximum"]) == (0, 16)
    assert Image.open(io.BytesIO(api.image(run, "preview"))).format == "PNG"
    assert run not in [r.id for r in api.runs()]


def arrays(**changes):
    rng = np.random.default_rng(0)
    good = {
        "x_train": rng.integers(0, 256, (20, 6, 6), np.uint8), "y_train": np.arange(20) % 2,
        "x_test": rng.integers(0, 256, (4, 6, 6), np.uint8), "y_test": np.arange(4) % 2,
    }  # fmt: skip
    out = io.BytesIO()
    np.savez(out, **{**good, **changes})
    return io.BytesIO(out.getvalue())


def test_an_upload_is_stored_found_and_loaded(home):
    config = api.upload("../../my data (1).npz", arrays())
    path = Path(config.name)
    assert path.exists() and path.is_relative_to(home / "data") and config.name in api.uploads()
    record = ended(api.prepare(config))
    assert record.status == "done" and record.result["shape"] == [1, 6, 6], record.error
    with pytest.raises(DataError, match=r"is none of \.npz, \.zip"):
        api.upload("trojan.exe", io.BytesIO(b"MZ"))


def test_an_upload_that_is_unusable_is_one_sentence_and_stays(home):
    config = api.upload("broken.npz", arrays(y_train=np.zeros(3, int)))
    record = ended(api.prepare(config))
    assert record.status == "failed" and record.error and "unexpected" not in record.error
    assert config.name in api.uploads() and Path(config.name).exists()
    assert api.prepared(config) is None


def test_an_upload_outlives_a_passing_error_of_the_machine(home, monkeypatch):
    config = api.upload("good.npz", arrays())

    def exhausted(*args, **kwargs):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZipFile", exhausted)
        record = api.here("data", config.model_dump(mode="json"))
        assert record.status == "failed" and "no more open files" in record.error
    assert Path(config.name).exists()
    assert api.here("data", config.model_dump(mode="json")).status == "done"


def test_a_run_done_here_leaves_a_copy_where_it_was_asked_to(home, tmp_path):
    events = []
    record = api.here("condense", QUICK, out=tmp_path / "out", on_event=events.append)
    assert record.status == "done" and record.result["out"] == str(tmp_path / "out") and events
    left = {p.name for p in (tmp_path / "out").iterdir()}
    assert left == {"condensed.npz", "condensed.png", "metrics.csv", "certificate.json"}
    with np.load(tmp_path / "out" / "condensed.npz") as file:
        assert file["x"].dtype == np.float32 and {"indices", "assignment", "ball_radius", "weights"} <= set(file)
    train = {"settings": QUICK, "condensed": str(tmp_path / "out" / "condensed.npz")}
    assert api.here("train", train).result["network"] == "mlp"
    failed = api.here("train", {**train, "condensed": "nothing.npz"})
    assert failed.status == "failed" and "does not exist" in failed.error
    with pytest.raises(ConfigError):
        api.here("run", {"seed": "x"})


def test_the_command_repeats_the_settings(home):
    words = api.command(QUICK).split()
    assert words[:4] == ["python", "-m", "core", "run"]
    assert api.parse(api.split(words[4:])) == api.RunConfig(**QUICK)


def test_the_pool_has_the_size_that_was_set(home):
    assert api.parallel() == 1
    with pytest.raises(RunError, match="must be 1 to"):
        api.set_parallel(0)


def test_home_is_the_project_unless_told_otherwise(home, monkeypatch):
    assert api.home() == home.resolve()
    monkeypatch.delenv("BALLAST_HOME")
    assert api.home() == ROOT


def test_looking_at_runs_imports_nothing_heavy(finished, home):
    """Everything a page asks for, in a process that must stay small."""
    code = f"""
import sys
from core import api
run = {finished.id!r}
api.get(run), api.runs(), api.events(run), api.references(api.get(run).config), api.device(), api.uploads()
api.image(run), api.map_data(run), api.thumbnails(run, api.members(run, 0).rows[:5].tolist()), api.export(run)
api.command(api.get(run).config), api.check({{}})
print(*sorted(set(sys.modules) & set("torch torchvision torchattacks sklearn umap faiss scipy numba highspy".split())))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=dict(os.environ))
    assert done.returncode == 0 and done.stdout.split() == [], done.stderr


def test_an_upload_named_like_a_download_is_still_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    path = api.upload("mnist.npz", arrays()).name
    (tmp_path / "data" / "cifar10.npz").write_bytes(b"downloaded")
    assert api.uploads() == [path]
