"""Several fresh networks on one set: each as if it were alone, mean and deviation by hand, resumable one by one."""

import statistics

import pytest

from core.engine import artifacts
from core.engine.job import Job
from core.errors import ConfigError
from core.events import drive
from core.jobs import measured, run
from core.settings.run import RunConfig

QUICK = {
    "data": {"name": "digits", "limit": 20},
    "method": {"name": "random", "options": {"ipc": 3}},
    "network": {"name": "mlp", "options": {"width": 16, "depth": 1}},
    "training": {"name": "standard", "options": {"epochs": 6}},
    "evaluation": {"eps": 0.05, "images": 60, "attack_steps": 2, "curve_points": 0, "live_images": 20},
    "seed": 4,
}


def config(**changes):
    return RunConfig(**{**QUICK, **changes}).to_json()


def job(path):
    path.mkdir(parents=True, exist_ok=True)
    return Job(folder=path, home=path.parent, device="cpu")


def same(result):
    return {name: value for name, value in result.items() if not name.startswith(("seconds", "out", "attacks"))}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A finished run of three networks: its job, result and events."""
    made, events = job(tmp_path_factory.mktemp("home") / "run"), []
    return made, drive(run.run(config(networks=3), made), events.append), events


def test_flat_numbers_are_the_first_networks_and_the_rest_is_by_hand(three, tmp_path):
    _, found, _ = three
    alone = drive(run.run(config(), job(tmp_path / "alone")))
    for name in ("clean_acc", "robust_acc", "interval", "kept_epoch", "by_class"):
        assert found[name] == alone[name]
    assert [row["seed"] for row in found["networks"]] == run.network_seeds(4, 3)
    clean, robust = ([row[name] for row in found["networks"]] for name in ("clean_acc", "robust_acc"))
    assert clean[0] == found["clean_acc"] and robust[0] == found["robust_acc"] and len(set(clean)) > 1
    assert (found["clean_mean"], found["clean_std"]) == (statistics.fmean(clean), statistics.stdev(clean))
    assert (found["robust_mean"], found["robust_std"]) == (statistics.fmean(robust), statistics.stdev(robust))
    assert (alone["clean_mean"], alone["clean_std"], len(alone["networks"])) == (alone["clean_acc"], None, 1)


def test_the_mean_of_known_shares():
    rest = {"robust_acc": 0.5, "clean_interval": [0, 1], "interval": [0, 1], "curve": []}
    found = [{"clean_acc": c, **rest} for c in (0.2, 0.4, 0.9)]
    values = measured.of_networks(found, range(3))
    assert values["clean_mean"] == pytest.approx(0.5) and values["robust_std"] == 0
    assert values["clean_std"] == pytest.approx(((0.09 + 0.01 + 0.16) / 2) ** 0.5)


def test_the_second_network_is_what_its_seed_alone_would_train(three, tmp_path):
    made, _, _ = three
    condensed = artifacts.load_condensed(made.folder / "condensed.npz")
    assert condensed.method == "random"
    settings = config(seed=run.network_seeds(4, 3)[1])
    drive(run.train({"settings": settings, "condensed": str(made.folder / "condensed.npz")}, job(tmp_path / "m")))
    alone, second = tmp_path / "m" / "last.safetensors", made.folder / "network-2-last.safetensors"
    assert alone.read_bytes() == second.read_bytes()
    assert second.read_bytes() != (made.folder / "last.safetensors").read_bytes()


def test_events_say_which_network_and_only_the_first_is_watched(three):
    _, _, events = three
    assert list(dict.fromkeys(event.stage for event in events)) == ["load", "condense", "map", "train", "evaluate"]
    notes = {event.note.split(" · ")[0] for event in events if event.stage in ("train", "evaluate")}
    assert notes == {*(f"network {number} of 3" for number in (1, 2, 3)), "nearest neighbour"}
    looks = [event.note for event in events if event.stage == "train" and "clean_acc" in event.values]
    assert len(looks) == 6 and set(looks) == {"network 1 of 3"}
    assert all(event.model is None for event in events)


@pytest.mark.parametrize(("stage", "number"), [("train", 2), ("evaluate", 3)])
def test_a_run_stopped_at_any_network_goes_on_there(three, tmp_path, monkeypatch, stage, number):
    from core.training import loop

    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    _, result, _ = three
    made, stopped = job(tmp_path / "run"), run.run(config(networks=3), job(tmp_path / "run"))
    for event in stopped:
        if event.stage == stage and event.note.startswith(f"network {number}") and (event.done > 2 or stage != "train"):
            break
    stopped.close()
    assert artifacts.resumable(made.folder)
    assert (made.folder / "checkpoint-network-2-train.npz").exists() == (stage == "train")
    events = []
    assert same(drive(run.run(config(networks=3), made), events.append)) == same(result)
    trained = [event.note[:9] for event in events if event.stage == "train" and "loss" in event.values]
    judged = {event.note[:9] for event in events if event.stage == "evaluate" and event.note.startswith("network")}
    if stage == "train":
        assert trained.count("network 1") == 0 and 0 < trained.count("network 2") < 6 == trained.count("network 3")
    else:
        assert not trained and judged == {"network 3"}
    assert not list(made.folder.glob("checkpoint-*"))


def test_augmenting_points_is_refused_before_anything_long(tmp_path):
    training = {"name": "standard", "options": {"augment": "auto"}}
    with pytest.raises(ConfigError, match="augmentation needs images of at least 4×4 pixels, got 1×2"):
        drive(run.run(config(data={"name": "moons"}, training=training), made := job(tmp_path / "run")))
    assert not (made.folder / "condensed.npz").exists()


@pytest.mark.parametrize("networks", [0, 21])
def test_the_number_of_networks_is_bounded(networks):
    with pytest.raises(ConfigError, match="networks: should be"):
        RunConfig(networks=networks)
