"""The README says what is: its tables are the registries, its commands run, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core import api
from core.api import workplace
from core.cli import tables
from core.cli.main import app
from core.engine.inline import InlineExecutor
from core.jobs.kinds import KINDS
from core.maps import umap
from tests.flat_map import flat_map

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.search(r"```sh\n(.*?)```", README, re.S).group(1)
COMMANDS = [line for line in BLOCK.splitlines() if line.startswith("python -m core ")]


@pytest.mark.parametrize("table", tables.REGISTRIES)
def test_tables_equal_the_registries(table: str):
    found = re.search(rf"<!-- table: {table} -->\n(.*?)<!-- end -->", README, re.S)
    assert found, f"README.md has no table of {table}"
    assert found.group(1).strip() == tables.markdown(table), f"write `python -m core {table} --markdown` into README.md"


def test_every_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As they stand, in this process: workers have tests of their own, and so have maps."""
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setattr(umap, "embed", flat_map)
    monkeypatch.setattr(api.study, "executor", lambda: InlineExecutor(workplace.store(), workplace.home(), KINDS))
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) >= 8
    for line in COMMANDS:
        result = CliRunner().invoke(app, shlex.split(line)[3:])
        assert result.exit_code == 0, (line, result.output, result.exception)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_links_lead_to_files(link: str):
    assert (ROOT / link).exists()
