"""Judging a run from the command line: `evaluate --run` with AutoAttack, and `audit --run`."""

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from core import api
from core.cli.main import app
from core.errors import BallastError
from core.evaluation.indicators import AuditReport
from core.maps import umap
from tests.flat_map import flat_map

QUICK = ["--network", "mlp", "--width", "16", "--training", "standard", "--epochs", "3", "--eval-images", "20",
         "--curve-points", "2", "--curve-images", "10", "--live-images", "0", "--attack-steps", "10"]  # fmt: skip


@pytest.fixture(scope="module")
def run_id(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A finished run on digits in a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BALLAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("BALLAST_DEVICE", "cpu")
        patch.setattr(umap, "embed", flat_map)
        yield call("run", "--data", "digits", "--limit", "12", "--method", "random", "--ipc", "10", *QUICK)["run"]


def call(*arguments: str) -> dict:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=True)
    if isinstance(result.exception, BallastError):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_evaluate_with_autoattack_counts_every_image_once(run_id: str):
    found = call("evaluate", "--run", run_id, "--norm", "Linf", "--eps", "0.05", "--attack", "autoattack",
                 "--eval-images", "40", "--curve-points", "0")  # fmt: skip
    assert found["attack"].startswith("AutoAttack, Linf, ε 0.05") and found["eval_images"] == 40 and found["seed"] == 0
    assert 0 <= found["robust_acc"] <= found["clean_acc"] and len(found["interval"]) == 2
    right, standing = round(40 * found["clean_acc"]), round(40 * found["robust_acc"])
    parts = found["attacks"]
    assert [part["name"] for part in parts] == ["APGD-CE", "APGD-T", "FAB-T", "Square"]
    assert right - sum(part["broken"] for part in parts) == standing
    for part, after in pairwise(parts):
        assert after["images"] == part["images"] - part["broken"] and part["queries"] > 0
    classes = found["by_class"]
    assert [row["label"] for row in classes] == list(range(10)) and sum(row["images"] for row in classes) == 40
    assert (sum(r["clean"] for r in classes), sum(r["robust"] for r in classes)) == (right, standing)
    assert found["model_run"] == run_id and [record.id for record in api.evaluations(run_id)] == [found["run"]]


def test_audit_reports_every_indicator_and_is_found_beside_its_run(run_id: str):
    assert api.audit_state(run_id) == "not run" and api.audit_of(run_id) is None
    found = call("audit", "--run", run_id, "--norm", "Linf", "--eps", "0.1", "--eval-images", "20", "--steps", "20",
                 "--short-steps", "5", "--restarts", "2", "--queries", "100")  # fmt: skip
    assert found["state"] in ("trusted", "doubtful") and (found["state"] == "doubtful") == bool(found["fired"])
    assert (found["eval_images"], found["eps"], found["attack_norm"]) == (20, 0.1, "Linf")
    assert {i["name"] for i in found["indicators"]} >= {"deterministic", "zero_gradient", "black_box", "scale"}
    for indicator in found["indicators"]:
        assert indicator["verdict"] in ("pass", "warn", "fail") and indicator["rule"] and indicator["meaning"]
    assert api.audit_state(run_id) == found["state"]
    report = api.audit_report(api.audit_of(run_id))
    assert isinstance(report, AuditReport) and report.robust.value == found["robust_acc"]


def test_what_cannot_be_judged_is_refused_in_a_sentence(run_id: str):
    for arguments, words in (
        (("audit", "--run", "nothing"), "there is no run nothing"),
        (("audit", "--run", run_id, "--epsilon", "0.1"), "--epsilon is not an option"),
        (("audit", "--run", run_id, "--eps", "0"), "eps"),
        (("evaluate", "--run", run_id, "--attack", "autoattack", "--norm", "L3"), "norm"),
    ):
        with pytest.raises(BallastError, match=words):
            call(*arguments)
