"""A network from elsewhere on the pages Attack and Audit: attacked, audited and proven like that of a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn
from typer.testing import CliRunner

from core import api
from core.api import queue, workplace
from core.cli.main import app as command
from core.engine.inline import InlineExecutor
from core.jobs.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
WORDS = "--data digits --limit 20 --network mlp --width 8 --depth 1 --mean 0 --std 1 --eval-images 20 --attack-steps 2"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with weights from elsewhere and a run; whatever a page queues is done at once."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BALLAST_HOME", str(folder / "home"))
        patch.setenv("BALLAST_DEVICE", "cpu")
        patch.setattr(api, "ensure_workers", lambda: None)
        patch.setattr(queue, "executor", lambda: InlineExecutor(workplace.store(), workplace.home(), KINDS))
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
        torch.save(network.state_dict(), folder / "theirs.pt")
        said = CliRunner().invoke(command, ["import-network", str(folder / "theirs.pt"), *WORDS.split()])
        assert said.exit_code == 0, said.output
        yield folder
        workplace.close()


def shown(page: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page(f"pages/{page}.py").run()
    return app


def texts(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.header) for element in kind)


def test_a_network_from_elsewhere_is_attacked_audited_and_proven(place: Path):
    brought = api.runs(kind="network")[0]
    app = shown("attack")
    assert app.selectbox(key="attack.run").value == brought.id and "theirs.pt" in str(app.selectbox(key="attack.run"))
    app.slider(key="attack.steps").set_value(3)
    app.button(key="attack.go").click().run()
    app.run()
    assert not app.exception and not app.error and not app.warning
    assert "Right without attack" in [metric.label for metric in app.metric]
    assert api.test_images(brought.id)["0"]

    app = shown("audit")
    assert app.selectbox(key="audit.run").value == brought.id
    app.number_input(key="audit.evaluation.images").set_value(10)
    app.number_input(key="audit.audit.images").set_value(10)
    app.number_input(key="audit.audit.steps").set_value(20)
    app.number_input(key="audit.audit.queries").set_value(50).run()
    app.button(key="audit.go").click().run()
    app.number_input(key="audit.proof.images").set_value(10).run()
    app.button(key="audit.proof.go").click().run()
    app.run()
    assert not app.exception and not app.error, (app.exception, app.error)
    assert "by interval bound" in texts(app).lower()
    assert api.audit_of(brought.id) is not None

    app.button_group(key="audit.norm").set_value("L2").run()
    app.number_input(key="audit.proof.n").set_value(20).run()
    app.button(key="audit.proof.go").click().run()
    app.run()
    assert not app.exception and not app.error, (app.exception, app.error)
    proofs = [(job.status, job.config["proof"]["certificate"]) for job in api.proving.proofs(brought.id)]
    assert proofs == [("done", "smoothing"), ("done", "ibp")]


@pytest.mark.parametrize("page", ["attack", "audit", "lab"])
def test_weights_that_are_uploaded_are_understood_confirmed_and_judged(page: str, place: Path):
    app = shown(page)
    app.file_uploader(key=f"{page}.brought.file").upload("sent.pt", (place / "theirs.pt").read_bytes()).run()
    app.button(key=f"{page}.brought.look").click().run()
    assert not app.exception and not app.error, (app.exception, app.error)
    said = texts(app)
    assert "mlp with width 8, depth 1, as the shapes of its tensors tell" in said
    assert "10, in the order of the data set: 0, 1, 2" in said and "not said: if it takes pixels" in said
    assert "its output k is taken as class k of the data set" in said
    app.button(key=f"{page}.brought.use").click().run()
    assert not app.exception and not app.error, (app.exception, app.error)
    assert "is in the list: clean" in texts(app)
    judged = api.runs(kind="network")[0]
    assert judged.kind == "network" and judged.config["inputs"] == {"mean": [0.0], "std": [1.0]}
    app.button(key=f"{page}.brought.audit").click().run()
    if page == "audit":
        assert app.selectbox(key="audit.run").value == judged.id


def test_weights_that_do_not_fit_are_one_sentence_on_the_page(place: Path):
    torch.save(nn.Linear(64, 10).state_dict(), place / "line.pt")
    app = shown("attack")
    app.file_uploader(key="attack.brought.file").upload("line.pt", (place / "line.pt").read_bytes()).run()
    app.button(key="attack.brought.look").click().run()
    assert "of no network that is known: choose it below" in texts(app)
    app.button(key="attack.brought.use").click().run()
    assert not app.exception
    assert any("line.pt has 2 tensors, mlp with these options has 8" in said.value for said in app.warning)
