"""Taking a finished run elsewhere from the Lab: each form's bytes load back equal, by the lines beside the button."""

import contextlib
import io
import runpy
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace
from core.engine import artifacts
from core.errors import ResourceError
from core.types import TrainedModel

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "data": {"name": "digits", "limit": 12},
    "method": {"name": "random", "options": {"ipc": 2}},
    "network": {"name": "mlp", "options": {"width": 8, "depth": 1}},
    "training": {"name": "standard", "options": {"epochs": 2, "keep": "best"}},
    "evaluation": {"eps": 0.02, "images": 20, "attack_steps": 2, "curve_points": 0, "live_images": 20},
}


@pytest.fixture(scope="module")
def run_id(alone: pytest.MonkeyPatch) -> str:
    """A run judged by its best weights; the last ones are all zero, so that nobody takes them for those."""
    made = api.here("run", RUN, name="small").id
    folder = workplace.home(made) / "runs" / made
    best = artifacts.load_model(folder / "best.safetensors")
    zero = {name: array if name.startswith("normalise") else 0 * array for name, array in best.state.items()}
    artifacts.save_model(folder / "last.safetensors", replace(best, state=zero))
    return made


@pytest.fixture
def buttons(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    """What the page's download buttons would write, by their names; nothing is written before one is pressed."""
    found: dict[str, Callable[[], bytes]] = {}
    draw = st.download_button

    def drawn(label: str, data: Any, file_name: str, *args: Any, **rest: Any) -> bool:
        found[file_name] = data
        return draw(label, data, file_name, *args, **rest)

    monkeypatch.setattr(st, "download_button", drawn)
    return found


def lab(run_id: str, form: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/lab.py")
    app.query_params["run"], app.query_params["lab.take"] = run_id, form
    return app.run()


def box(run_id: str) -> None:
    from core import api
    from core.ui.lab import taking_view

    taking_view.view(api.get(run_id))


def alone_box(run_id: str, form: str) -> AppTest:
    """The box by itself: a run of the whole page takes seconds."""
    app = AppTest.from_function(box, kwargs={"run_id": run_id}, default_timeout=60)
    app.query_params["lab.take"] = form
    return app.run()


def written_here(run_id: str, form: str) -> bytes:
    """What the process of its own writes, in this one: it would load torch anew for every form."""
    with tempfile.TemporaryDirectory() as folder:
        api.taking.to_file(run_id, form, Path(folder) / "file")
        return (Path(folder) / "file").read_bytes()


def lines(app: AppTest) -> str:
    return next(block.value for block in app.code if block.language == "python")


def loaded(source: str) -> tuple[dict[str, Any], str]:
    """The names that the lines leave and what they print."""
    Path("lines.py").write_text(source)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        names = runpy.run_path("lines.py")
    return names, said.getvalue()


@pytest.mark.parametrize("form", ["npz", "pt", "png", "safetensors", "onnx"])
def test_each_form_loads_back_equal_by_the_lines_that_are_shown(
    form: str, run_id: str, buttons: dict[str, Callable[[], bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if form == "onnx":
        for name in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(name, reason=f"{name} is in requirements-dev.txt and not installed")
    if form != "npz":
        monkeypatch.setattr(api.taking, "content", written_here)
    app = (lab if form == "npz" else alone_box)(run_id, form)
    assert not app.exception and not app.error
    monkeypatch.chdir(tmp_path)
    name = f"{run_id}{api.taking.SUFFIXES[form]}"
    (tmp_path / name).write_bytes(buttons[name]())
    names, _ = loaded(lines(app))
    folder = workplace.home(run_id) / "runs" / run_id
    kept, model = artifacts.load_condensed(folder / "condensed.npz"), artifacts.load_model(folder / "best.safetensors")
    if form in ("npz", "pt"):
        assert np.array_equal(np.asarray(names["images"]), kept.x) and np.array_equal(names["labels"], kept.y)
    elif form == "png":
        found = [np.asarray(image.convert("L")) / 255 for image, _ in names["images"]]
        assert [label for _, label in names["images"]] == sorted(kept.y)
        assert np.abs(np.stack(found) - kept.x[np.argsort(kept.y, kind="stable"), 0]).max() <= 0.5 / 255 + 1e-6
    else:
        x = torch.tensor(kept.x.copy())
        taken = torch.tensor(_logits(form, names, x))
        assert torch.allclose(taken, _restored(model)(x), atol=1e-5)


def _restored(model: TrainedModel) -> torch.nn.Module:
    from core.networks.model import restore

    return restore(model)


def _logits(form: str, names: dict[str, Any], x: torch.Tensor) -> np.ndarray:
    if form == "onnx":
        return names["session"].run(None, {"images": x.numpy()})[0]
    return names["network"](x).detach().numpy()


def test_onnx_without_its_packages_is_one_sentence_and_no_button(
    run_id: str, buttons: dict[str, Callable[[], bytes]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.jobs.taken.ONNX_NEEDS", ("onnx", "no_such_package"))
    app = alone_box(run_id, "onnx")
    assert not app.exception and not [name for name in buttons if name.endswith(".onnx")]
    assert any("ONNX needs no_such_package: python -m pip install " in text.value for text in app.warning)


def test_what_cannot_be_written_says_why(run_id: str):
    with pytest.raises(ResourceError, match="npz was not written: .*nothere"):
        api.taking.content("nothere", "npz")
