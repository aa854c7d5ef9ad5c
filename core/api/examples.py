"""The examples that ship with the project: finished runs to look at before there are any of one's own.

They are read from assets/examples and never changed: not renamed, not deleted, no reference for a run of the user's, in
no study and no count of the user's. What is asked of one (an attack, an audit) becomes a run of the user's own.
"""

import time
from typing import Any

from core.api import queue
from core.api.workplace import PREFIX, home, store
from core.engine import artifacts
from core.engine.perform import folder_of
from core.jobs.results import RunResult
from core.types import DataConfig, RunRecord

RUN, SUPPORT, ATTACK = (PREFIX + name for name in ("digits-mfc", "digits-adv-kip", "attack"))


def is_one(run_id: str) -> bool:
    """Whether an id, or the name of a study, is that of an example."""
    return run_id.startswith(PREFIX)


def runs(kind: str = "run", text: str = "") -> list[RunRecord]:
    """The finished runs of a kind among the examples, those of studies last; `text` as for `api.runs`."""
    found = store(PREFIX).runs(kind=kind, text=text)
    cells = tuple(f"{name}-" for name in studies())
    return sorted(found, key=lambda record: (record.id.startswith(cells), record.id != RUN, record.id))


def count(**wanted: Any) -> int:
    """How many runs there are among the examples that `page` would list; filters as for `api.count`."""
    return store(PREFIX).count(kind="run", **wanted)


def page(**wanted: Any) -> list[RunRecord]:
    """Runs among the examples, with limit and offset; filters as for `api.runs`."""
    return store(PREFIX).runs(kind="run", **wanted)


def attacks(run_id: str) -> list[RunRecord]:
    """The recorded attacks on an example's model."""
    return store(PREFIX).runs(kind="attack", parent=run_id)


def data(config: DataConfig) -> RunRecord | None:
    """The description of a data set that an example is about, or None."""
    return next(iter(queue.equal("data", config.model_dump(mode="json"), place=PREFIX)), None)


def with_models() -> list[RunRecord]:
    """Those of `runs` whose network ships with them; of studies and of wide networks only the numbers do."""
    return [run for run in runs() if (folder_of(home(run.id), run.id) / _weights(run)).exists()]


def _weights(run: RunRecord) -> str:
    return f"{RunResult.of(run).kept}.safetensors"


def studies() -> list[str]:
    """Names of the studies among the examples, that of embedded data first."""
    return sorted((path.stem for path in (home(PREFIX) / "studies").glob("*.json")), key=lambda name: (len(name), name))


def mark(record: RunRecord) -> str:
    """When an example was recorded, and with which version."""
    day = time.strftime("%d %b %Y", time.gmtime(record.created)).lstrip("0")
    return f"Example, recorded on {day} with Ballast {_about()['version']}"


def mark_of_study(name: str) -> str:
    """The same of a study: when its first run was recorded."""
    return mark(min((run for run in runs() if run.id.startswith(f"{name}-")), key=lambda run: run.created))


def command() -> str:
    """The command that made the examples."""
    return str(_about()["command"])


def _about() -> dict[str, str]:
    found: dict[str, str] = artifacts.load_json(home(PREFIX) / "about.json")
    return found
