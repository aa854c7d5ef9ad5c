"""Proofs of a network from the Audit page: the norm decides which, the cost comes first, every number says how."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "data": {"name": "digits", "limit": 12},
    "method": {"name": "random", "options": {"ipc": 10}},
    "network": {"name": "mlp", "options": {"width": 16}},
    "training": {"name": "ibp", "options": {"epochs": 3, "eps": 0.02}},
    "evaluation": {"eps": 0.02, "images": 20, "attack_steps": 5, "curve_points": 3, "curve_images": 9,
                   "live_images": 0},
}  # fmt: skip


@pytest.fixture(scope="module")
def run_id(alone: pytest.MonkeyPatch) -> str:
    return api.here("run", RUN, name="small").id


def texts(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption) for element in kind)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_press_queues_the_proof_of_the_norm_and_its_number_says_how(run_id: str, norm: str):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/audit.py").run()
    app.button_group(key="audit.norm").set_value(norm).run()
    app.number_input(key="audit.proof.images").set_value(20).run()
    if norm == "L2":
        app.number_input(key="audit.proof.n").set_value(100).run()
        assert "20 images × 200 noisy copies = 4,000 images through the network" in texts(app)
    app.button(key="audit.proof.go").click().run()
    assert not app.exception and not app.error
    job = api.proving.proofs(run_id)[0]
    kind = api.proving.BY_NORM[norm]
    assert job.config["proof"]["certificate"] == kind and job.config["settings"]["evaluation"]["norm"] == norm
    done = api.here("prove", dict(job.config))
    api.cancel(job.id)
    found = done.result
    assert done.status == "done" and found["eval_images"] == 20 and (found["model"] == "network") == (kind == "ibp")
    app.run()
    assert f"proven ≥ {100 * found['certified_acc']:.1f}" in texts(app) and found["certificate"] in texts(app)
    assert norm == "L2" or f"{found['attack']} leaves {100 * found['robust_acc']:.1f}" in texts(app)
    assert norm == "Linf" or "σ 0.25, n 100, α 0.001" in texts(app)


def test_no_network_is_proven_in_l1(run_id: str):
    with pytest.raises(ConfigError, match="Linf or L2"):
        api.proving.settings(run_id, "L1", 0.1, 20, {})
