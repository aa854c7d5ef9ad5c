"""Tables of one's own: added everywhere, and what is wrong with one is a sentence that stops nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.engine.executor import _environment
from core.types import Method, Options, plugins

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```python\n(.*?)```", TEXT, re.S)[1]
EVERYWHERE = """
import json, sys
from typer.testing import CliRunner
from core import api
from core.cli.main import app
from core.settings.study import Study, plan
from core.types import plugins
assert api.METHODS["central"].title == "Central images" and "random" in api.METHODS
assert "ipc" in [info.name for info in api.METHODS["central"].Config.describe()]
assert "central" in [row["name"] for row in json.loads(CliRunner().invoke(app, ["methods", "--json"]).stdout)]
assert {cell.method for cell in plan(Study(methods=("central", "random"), seeds=1))} == {"central", "random", "full"}
print(plugins.trouble())
"""
QUEUED = """
import time
from streamlit.testing.v1 import AppTest
from core import api
from core.api import workplace
from core.types import ENDED

if __name__ == "__main__":
    app = AppTest.from_file("{root}/app.py", default_timeout=120).run()
    print("above:", *(one.value for one in app.warning))
    app.switch_page("pages/lab.py").run()
    app.selectbox(key="lab.method").set_value("central").run()
    for key, value in {{"data.limit": 20, "method.ipc": 2, "training.epochs": 1, "evaluation.images": 10}}.items():
        app.number_input(key="lab." + key).set_value(value)
    app.selectbox(key="lab.network").set_value("mlp").run()
    app.button(key="lab.run").click().run()
    assert not app.exception and not app.error, (app.exception, app.error)
    run = api.runs()[0].id
    end = time.monotonic() + 500
    while (record := api.get(run)).status not in ENDED and time.monotonic() < end:
        time.sleep(0.1)
    print("ended:", record.status, record.error, record.result.get("method"), record.result.get("budget"))
    workplace.close()
"""
CONTRACT = """
import sys
sys.path.insert(0, "{root}")
from core.compressors import METHODS
from tests.jobs import test_methods_contract as contract
row = METHODS["central"]
contract.test_its_settings_are_frozen_described_and_strict(row)
contract.test_it_is_a_generator_that_returns_a_valid_set(row, 255)
contract.test_a_coreset_consists_of_train_images(row)
contract.test_the_same_seed_gives_the_same_bytes_and_the_global_generators_are_left_alone(row)
contract.test_an_empty_train_split_is_refused(row)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "central.py").write_text(EXAMPLE)
    (tmp_path / "broken.py").write_text("import not_there_at_all\n")
    (tmp_path / "odd.py").write_text("METHODS = {'random': 1, 'Odd Name': 2, 'odd': 3}\nNETWORKS = []\n")
    return tmp_path


def python(code: str, folder: Path, names: str) -> str:
    """What a fresh interpreter prints that was started as workers are."""
    given = {"BALLAST_PLUGINS": names, "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder)))}
    done = subprocess.run([sys.executable, "-P", "-c", code], env={**_environment(1), **given}, capture_output=True,
                          text=True, cwd=folder, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_method_of_the_document_is_in_the_tables_the_commands_and_studies(folder: Path):
    said = python(EVERYWHERE, folder, "broken,central odd,nowhere")
    assert "The plugin broken is left out: ModuleNotFoundError: No module named 'not_there_at_all'." in said
    assert "The plugin nowhere is left out: ModuleNotFoundError" in said
    assert "'random' of the plugin odd is left out: there is a row of that name in METHODS already." in said
    assert "'Odd Name' of the plugin odd is left out: a name has small letters" in said
    assert "'odd' of the plugin odd is left out: expected a Method, got a int" in said
    assert "The plugin odd is left out: NETWORKS must be a dict of rows by name." in said
    assert "central" not in said


def test_it_keeps_what_every_method_promises(folder: Path):
    python(CONTRACT.format(root=ROOT), folder, "central")


def test_a_run_of_it_is_queued_on_the_page_and_done_by_a_worker_beside_a_broken_plugin(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BALLAST_HOME", str(folder / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    said = python(QUEUED.format(root=ROOT), folder, "broken,central")
    above, ended = (next(line for line in said.splitlines() if line.startswith(word)) for word in ("above:", "ended:"))
    assert "The plugin broken is left out: ModuleNotFoundError" in above.replace("\\", "")
    assert ended == "ended: done  central 20"


def test_a_plugin_that_brings_a_table_in_while_it_is_imported_is_added_to_it(folder: Path):
    (folder / "early.py").write_text("from core.compressors.selection.random import Config\n" + EXAMPLE)
    code = "from core.networks import NETWORKS\nfrom core.compressors import METHODS\nassert 'central' in METHODS"
    python(code, folder, "early")


def test_a_method_that_could_see_test_images_is_not_added():
    row = Method(title="t", kind="coreset", source="s", Config=Options, condense=print)
    assert "keeps test images from it" in plugins._unfit("mine", row, "METHODS", {}, Options)


@pytest.mark.parametrize("name", ["own_for_workers", "own_package", "own_package.methods"])
def test_workers_find_the_folder_of_a_plugin(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "own_package").mkdir()
    for file in ("own_for_workers.py", "own_package/__init__.py", "own_package/methods.py"):
        (tmp_path / file).write_text("METHODS = {}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_package", raising=False)
    monkeypatch.setenv("BALLAST_PLUGINS", name)
    monkeypatch.setattr(plugins, "_LOADED", {})
    monkeypatch.setattr(plugins, "_TABLES", {})
    plugins.extend("METHODS", {})
    assert str(tmp_path) in _environment(1)["PYTHONPATH"].split(os.pathsep)
