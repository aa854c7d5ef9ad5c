"""The stages joined: what a run returns and leaves, that resuming equals never having stopped, and who sees what."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core import datasets
from core.engine import artifacts
from core.engine.job import Job
from core.errors import ConfigError, DataError
from core.events import drive
from core.jobs import run, stages
from core.jobs.results import RunResult
from core.settings.run import EvaluationConfig, RunConfig
from core.types import TestSplit

QUICK = {
    "data": {"name": "digits", "limit": 20},
    "method": {"name": "k-center", "options": {"ipc": 3}},
    "network": {"name": "mlp", "options": {"width": 16, "depth": 1}},
    "training": {"name": "adversarial", "options": {"epochs": 6, "attack_steps": 2, "keep": "best"}},
    "evaluation": {"images": 60, "attack_steps": 3, "curve_points": 3, "curve_images": 20, "live_images": 20},
}


def config(**changes):
    return RunConfig(**{**QUICK, **changes}).to_json()


def job(path):
    path.mkdir(parents=True, exist_ok=True)
    return Job(folder=path, home=path.parent, device="cpu")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One whole run: its job, result and events."""
    made, events = job(tmp_path_factory.mktemp("home") / "run"), []
    return made, drive(run.run(config(), made), events.append), events


def test_the_result_is_json_and_has_what_scripts_rely_on(finished):
    made, result, _ = finished
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    condense = {"method", "budget", "ipc", "radius", "norm", "seed", "device", "seconds", "data_hash", "out"}
    run = {"clean_acc", "robust_acc", "attack", "eps", "eval_images", "interval", "curve", "notes", "separation"}
    assert condense | run <= set(result)
    assert (result["method"], result["budget"], result["ipc"], result["norm"]) == ("k-center", 30, 3, "L2")
    assert result["radius"] == result["largest_distance"] > 0 and result["eval_images"] == 60
    low, high = result["interval"]
    assert 0 <= low <= result["robust_acc"] <= high <= 1 and result["robust_acc"] <= result["clean_acc"]
    assert result["data_hash"] == made.ledger.data_hash
    assert set(made.ledger.seconds) == {"load", "condense", "map", "train", "look", "evaluate"}
    assert "fixed stratified fifth" in result["notes"][0] and result["curve"][0]["eps"] == 0


def test_stages_follow_one_another_and_curves_are_measured_between_epochs(finished):
    _, _, events = finished
    order = list(dict.fromkeys(e.stage for e in events))
    assert order == ["load", "condense", "map", "train", "evaluate"]
    looks = [e for e in events if e.stage == "train" and "clean_acc" in e.values]
    assert [e.values["epoch"] for e in looks] == [1, 2, 3, 4, 5, 6]
    assert all(e.values["eval_images"] == 20 and "loss" in e.values for e in looks)
    assert all(e.model is None and e.x is None and e.state is None for e in events)


def test_the_files_of_a_run(finished):
    made, result, _ = finished
    names = {path.name for path in made.folder.iterdir()}
    assert names == {
        "condensed.npz", "condensed.png", "map.npz", "members.npz", "last.safetensors", "best.safetensors",
        "report.json", "data.json", "certificate.json", "verdicts.npz", "radii.npz", "explained.npz",
    }  # fmt: skip
    found = artifacts.load_condensed(made.folder / "condensed.npz")
    assert (found.method, len(found)) == ("k-center", 30) and found.radius == result["radius"]
    mapped, members = (artifacts.load_arrays(made.folder / f"{name}.npz") for name in ("map", "members"))
    assert np.array_equal(mapped["rows"][mapped["centres"]], found.indices)
    assert np.array_equal(mapped["owner"][mapped["centres"]], np.arange(30))
    assert np.array_equal(members["owner"], found.assignment) and members["distance"].max() == found.radius
    assert artifacts.load_model(made.folder / "best.safetensors").kept == "best"
    judged, result = artifacts.load_arrays(made.folder / "verdicts.npz"), finished[1]
    assert len(set(judged["rows"].tolist())) == result["eval_images"]
    assert (judged["right"].mean(), judged["standing"].mean()) == (result["clean_acc"], result["robust_acc"])


def test_the_accuracies_are_there_before_the_rest_is_computed(finished, tmp_path):
    _, result, _ = finished
    made, seen = job(tmp_path / "run"), {}
    work = run.run(config(), made)
    for _ in work:
        if (made.folder / "so-far.json").exists():
            seen = RunResult.checked(artifacts.load_json(made.folder / "so-far.json"))
            break
    work.close()
    for name in ("clean_acc", "robust_acc", "interval", "attack", "budget", "radius", "separation", "networks"):
        assert seen[name] == result[name], name
    assert seen["curve"] and not seen.get("nearest")


def same(values):
    """What must be equal between two runs of the same settings: everything but time and place, at any depth."""
    if isinstance(values, list):
        return [same(value) for value in values]
    if isinstance(values, dict):
        return {k: same(v) for k, v in values.items() if not k.startswith(("seconds", "out"))}
    return values


def test_the_same_settings_give_the_same_numbers(finished, tmp_path):
    made, result, _ = finished
    again = drive(run.run(config(), other := job(tmp_path / "run")))
    assert same(again) == same(result)
    for name in ("condensed.npz", "best.safetensors", "map.npz"):
        assert (other.folder / name).read_bytes() == (made.folder / name).read_bytes()


@pytest.mark.parametrize("stage", ["condense", "map", "train", "evaluate"])
def test_a_run_that_was_stopped_resumes_to_the_same_numbers(finished, tmp_path, stage):
    made, result, _ = finished
    first, stopped = job(tmp_path / "run"), run.run(config(), job(tmp_path / "run"))
    for event in stopped:
        if event.stage == stage and (event.done or stage == "evaluate"):
            break
    stopped.close()
    assert not list(first.folder.glob(".*"))
    events = []
    assert same(drive(run.run(config(), first), events.append)) == same(result)
    assert (first.folder / "best.safetensors").read_bytes() == (made.folder / "best.safetensors").read_bytes()
    if stage == "evaluate":
        assert any("earlier attempt" in e.note for e in events) and not any("loss" in e.values for e in events)


def test_training_resumes_in_the_middle_from_its_checkpoint(finished, tmp_path, monkeypatch):
    from core.training import loop

    made, result, _ = finished
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    first = job(tmp_path / "run")
    stopped = run.run(config(), first)
    for event in stopped:
        if event.stage == "train" and event.done == 4:
            break
    stopped.close()
    assert artifacts.resumable(first.folder) and (first.folder / "checkpoint-train.npz").exists()
    events = []
    assert same(drive(run.run(config(), first), events.append)) == same(result)
    assert min(e.done for e in events if "loss" in e.values) > 1  # the first epochs were not repeated
    assert not (first.folder / "checkpoint-train.npz").exists()
    assert (first.folder / "last.safetensors").read_bytes() == (made.folder / "last.safetensors").read_bytes()


def test_data_that_changed_meanwhile_is_not_resumed(tmp_path):
    made = job(tmp_path / "run")
    drive(run.condense(config(), made))
    with pytest.raises(DataError, match="has changed since this run began"):
        drive(run.run(config(data={"name": "digits", "limit": 19}), made))


def test_choices_never_depend_on_the_test_split(finished, tmp_path, monkeypatch):
    """With another test split the condensed set, the map and the weights stay the same to the byte."""
    made, _, _ = finished
    with_another_test_split(monkeypatch)
    other = job(tmp_path / "run")
    drive(run.run(config(), other))
    for name in ("condensed.npz", "map.npz", "members.npz", "last.safetensors", "best.safetensors"):
        assert (other.folder / name).read_bytes() == (made.folder / name).read_bytes()


def with_another_test_split(monkeypatch):
    """From here on every data set has test images that would change any choice they had a part in."""
    real = datasets.load

    def scrambled(settings, *, root):
        found = yield from real(settings, root=root)
        test = TestSplit(x=found.test.x[::-1].copy(), y=np.zeros_like(found.test.y), levels=found.test.levels)
        return replace(found, test=test)

    monkeypatch.setattr(datasets, "load", scrambled)


@pytest.mark.parametrize(
    "method",
    [
        {"name": "k-means", "options": {"ipc": 2}},  # images are held out before it begins
        {"name": "relabelled-det", "options": {"ipc": 2, "steps": 3, "source_epochs": 2}},  # a network is taught first
        {"name": "kip", "options": {"ipc": 1, "steps": 3}},  # watches images that it holds out itself
        {"name": "prototypes", "options": {"ipc": 1, "steps": 3}},  # so does this
        {"name": "full"},  # gives some up
    ],
    ids=lambda method: method["name"],
)
def test_nor_do_those_of_methods_that_learn(method, tmp_path, monkeypatch):
    homes = [tmp_path / name for name in ("one", "other")]
    results = []
    for home in homes:
        results.append(drive(run.run(config(method=method), job(home / "run"))))
        with_another_test_split(monkeypatch)
    # which moments are filmed, and so whether there is a film, depends on the clock
    names = [{path.name for path in (home / "run").iterdir()} - {"frames.npz"} for home in homes]
    compared = names[0] & {"condensed.npz", "map.npz", "members.npz", "source.safetensors", "last.safetensors",
                           "best.safetensors"}  # fmt: skip
    assert names[0] == names[1] and {"map.npz", "last.safetensors", "best.safetensors"} <= compared
    for name in compared:
        assert (homes[0] / "run" / name).read_bytes() == (homes[1] / "run" / name).read_bytes(), name
    assert results[0]["kept_epoch"] == results[1]["kept_epoch"]
    assert results[0]["clean_acc"] != results[1]["clean_acc"]  # the judgement itself is about other images


def test_stages_one_at_a_time_reach_the_same_numbers(finished, tmp_path):
    _, result, _ = finished
    condensed, trained, judged = (job(tmp_path / name) for name in ("condense", "train", "evaluate"))
    first = drive(run.condense(config(), condensed))
    assert (first["budget"], first["radius"]) == (30, result["radius"])
    drive(run.train({"settings": config(), "condensed": str(condensed.folder / "condensed.npz")}, trained))
    settings = {"settings": config(), "model": str(trained.folder / "best.safetensors")}
    last = drive(run.evaluate(settings, judged))
    for name in ("clean_acc", "robust_acc", "interval", "attack", "curve"):
        if name != "curve":
            assert last[name] == result[name]
    assert [p["value"] for p in last["curve"]] == [p["value"] for p in result["curve"]]


def test_files_made_for_other_images_are_refused(finished, tmp_path):
    made, _, _ = finished
    settings = config(data={"name": "moons"})
    for kind, work, name in (
        ("condensed", run.train, "condensed.npz"),
        ("model", run.evaluate, "best.safetensors"),
    ):
        with pytest.raises(DataError, match=f"{name} was made for 1×8×8 images of 10 classes, moons has 1×1×2"):
            drive(work({"settings": settings, kind: str(made.folder / name)}, job(tmp_path / kind)))


def test_a_network_that_cannot_take_the_images_is_refused_before_anything_long(tmp_path):
    with pytest.raises(ConfigError):
        drive(run.run(config(data={"name": "moons"}, network={"name": "resnet18"}), made := job(tmp_path / "run")))
    assert not (made.folder / "condensed.npz").exists()


def test_points_of_the_plane_go_all_the_way(tmp_path):
    made = job(tmp_path / "run")
    result = drive(run.run(config(data={"name": "moons", "limit": 40}), made))
    assert result["budget"] == 6 and not (made.folder / "condensed.png").exists()
    assert artifacts.load_arrays(made.folder / "map.npz")["true_space"]


def test_the_full_reference_holds_images_out_of_itself_to_judge_best(tmp_path):
    made = job(tmp_path / "run")
    result = drive(run.run(config(method="full"), made))
    assert (result["budget"], result["radius"], result["kept"]) == (200, None, "best")
    assert not (made.folder / "condensed.npz").exists()  # it is the data set
    assert len(artifacts.load_arrays(made.folder / "map.npz")["owner"]) == 0


@pytest.mark.parametrize(("epochs", "looks"), [(1, 1), (6, 6), (25, 25), (26, 14), (150, 26), (1000, 26)])
def test_looks_are_few_and_include_the_first_and_the_last(epochs, looks):
    at = [epoch for epoch in range(1, epochs + 1) if stages.due(epoch, epochs)]
    assert len(at) == looks and at[0] == 1 and at[-1] == epochs


def test_no_looks_when_none_are_wanted(tmp_path):
    settings = EvaluationConfig(**{**QUICK["evaluation"], "live_images": 0}).model_dump()
    events = []
    drive(run.run(config(evaluation=settings), job(tmp_path / "run")), events.append)
    assert not any("clean_acc" in e.values for e in events if e.stage == "train")
