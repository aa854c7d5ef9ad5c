"""Judging finished runs through the door: jobs done in this process, found again, and outliving their run."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from core import api
from core.api import judging, queue, workplace
from core.errors import BallastError, RunError
from core.maps import umap
from tests.flat_map import flat_map

RUN = {
    "data": {"name": "digits", "limit": 12},
    "method": {"name": "random", "options": {"ipc": 10}},
    "network": {"name": "mlp", "options": {"width": 16}},
    "training": {"name": "standard", "options": {"epochs": 3}},
    "evaluation": {"eps": 0.1, "images": 20, "attack_steps": 5, "curve_points": 2, "curve_images": 9, "live_images": 0},
}
AUDIT = {"images": 20, "steps": 20, "short_steps": 5, "restarts": 2, "queries": 100}
ATTACK = {"eps": 0.1, "steps": 3, "images": 10, "grid": 3}


class Nobody:
    """An executor that leaves runs queued."""

    def submit(self, run_id: str) -> None: ...


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BALLAST_HOME", str(folder))
        patch.setenv("BALLAST_DEVICE", "cpu")
        patch.setattr(umap, "embed", flat_map)
        patch.setattr(queue, "executor", Nobody)
        yield folder
        workplace.close()


@pytest.fixture(scope="module")
def run_id(home: Path) -> str:
    return done(api.here("run", RUN)).id


def done(record):
    assert record.status == "done", record.error
    return record


def queued(job: str) -> dict:
    """The settings of a queued job, which is then out of the way."""
    config = dict(api.get(job).config)
    workplace.store().request_cancel(job)
    return config


def test_audit_takes_the_run_s_threat_model_and_the_newest_standard_model(run_id: str):
    other = done(api.here("run", RUN | {"seed": 1}))
    config = queued(api.submit_audit(run_id, AUDIT))
    assert (config["audit"]["norm"], config["audit"]["eps"], config["standard_run"]) == ("Linf", 0.1, other.id)
    assert queued(api.submit_audit(run_id, AUDIT | {"eps": 0.2}))["audit"]["eps"] == 0.2
    found = done(api.here("audit", config)).result
    assert found["model_run"] == run_id and found["transfer_from"] == other.id
    own = api.get(run_id).result
    proven = {point["eps"]: point["value"] for point in found["certified"]}
    attacked = {point["eps"]: point["value"] for point in own["curve"]}
    assert found["certified_images"] == own["curve_images"] and set(attacked) < set(proven)
    assert all(proven[eps] <= value for eps, value in attacked.items())
    assert list(proven.values()) == sorted(proven.values(), reverse=True) and proven[0.0] == attacked[0.0] > 0
    assert "transfer" in {indicator["name"] for indicator in found["indicators"]}
    api.delete(other.id)
    lonely = done(api.here("audit", config)).result  # the standard run was deleted since
    assert lonely["transfer_from"] is None and "transfer" not in {i["name"] for i in lonely["indicators"]}


def test_audit_state_follows_the_newest_audit(run_id: str):
    assert api.audit_state("another run") == "not run"
    config = queued(api.submit_audit(run_id, AUDIT))
    record = done(api.here("audit", config))
    assert api.audit_state(run_id) == record.result["state"] and api.audit_of(run_id).id == record.id
    job = api.submit_audit(run_id, AUDIT)
    assert api.audit_state(run_id) == "running" and api.audit_of(run_id).id == record.id
    workplace.store().request_cancel(job)
    assert api.audit_state(run_id) == record.result["state"]


def test_evaluation_is_kept_beside_the_run_s_own(run_id: str):
    own = dict(api.get(run_id).result)
    config = queued(api.submit_evaluation(run_id, {"attack": "strong", "eps": 0.05, "images": 30, "curve_points": 0}))
    record = done(api.here("evaluate", config))
    assert api.evaluations(run_id)[0].id == record.id and api.get(run_id).result == own
    parts = record.result["attacks"]
    assert [part["name"] for part in parts] == ["PGD-20 × 1 (ce)", "PGD-50 × 3 (margin)"]
    right = round(30 * record.result["clean_acc"])
    assert right - sum(part["broken"] for part in parts) == round(30 * record.result["robust_acc"])
    assert parts[0]["images"] == right and all(part["queries"] >= part["images"] for part in parts)


def test_attack_leaves_what_the_page_draws_and_is_found_again(run_id: str):
    job = api.submit_attack(run_id, ATTACK)
    assert api.submit_attack(run_id, ATTACK) == job and api.playback(job) is None
    record = done(api.here("attack", queued(job)))
    found = api.playback(record.id)
    assert found.frames.shape == (10, 5, 1, 8, 8) and found.y.tolist() == list(range(10))
    assert record.result["fooled"] == found.fooled.sum() and record.result["right"] == (found.margin[:, 0] <= 0).sum()
    for png in (api.image(record.id, "attack"), *api.frame(found, 3, 4, 0.1), api.film(found, 3, 0.1)):
        assert Image.open(io.BytesIO(png)).format == "PNG"
    assert api.submit_attack(run_id, ATTACK) not in ("", job)  # the first one was cancelled: it is done anew


def test_old_attacks_are_removed(run_id: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(judging, "ATTACKS_KEPT", 2)
    for eps in (0.01, 0.02, 0.03, 0.04, 0.05):
        queued(api.submit_attack(run_id, ATTACK | {"eps": eps}))
    assert len([r for r in workplace.store().runs(kind="attack") if r.status != "queued"]) <= 3


def test_a_deleted_run_leaves_its_judgements_readable_and_refuses_new_ones(home: Path):
    mine = done(api.here("run", RUN | {"seed": 2})).id
    audited = done(api.here("audit", queued(api.submit_audit(mine, AUDIT))))
    late = queued(api.submit_attack(mine, ATTACK))
    api.delete(mine)
    assert api.audit_report(api.get(audited.id)).state == audited.result["state"] == api.audit_state(mine)
    with pytest.raises(RunError, match="is in the trash"):
        api.submit_audit(mine, AUDIT)
    record = api.here("attack", late)
    assert record.status == "failed" and "no readable safetensors" in record.error


def test_what_has_no_model_is_refused_in_a_sentence(run_id: str):
    job = api.submit_attack(run_id, ATTACK | {"steps": 7})
    for wrong in (lambda: api.submit_audit(job, AUDIT), lambda: api.submit_attack(run_id, {"epsilon": 1}),
                  lambda: api.submit_evaluation(run_id, {"attack": "autoattack", "norm": "L3"})):  # fmt: skip
        with pytest.raises(BallastError):
            wrong()
