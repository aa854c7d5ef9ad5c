"""The Kernel page without a browser, on a set that adv-KIP learned in this process."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace
from core.ui import saving
from core.ui.kernel import view

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "data": {"name": "digits", "limit": 60},
    "method": {"name": "adv-kip", "options": {"ipc": 2, "steps": 6, "batch": 20, "depth": 2}},
    "network": {"name": "mlp", "options": {"width": 16}},
    "training": {"name": "standard", "options": {"epochs": 3}},
    "evaluation": {"eps": 0.1, "images": 20, "attack_steps": 5, "curve_points": 2, "curve_images": 9, "live_images": 0},
}


WIDE = ((16, 0.01), (64, 0.3), (1024, 0.66))


@pytest.fixture(scope="module")
def run_id(alone: pytest.MonkeyPatch) -> str:
    return api.here("run", RUN, name="learned").id


def test_kernel_submits_the_form_and_shows_what_came_of_it(run_id: str):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/kernel.py").run()
    assert not app.exception and not app.error
    assert "Width curve: not measured here yet" in "\n".join(e.value for e in app.sidebar.caption)
    app.select_slider(key="kernel.widest").set_value(64).run()
    app.number_input(key="kernel.images").set_value(20).run()
    app.number_input(key="kernel.epochs").set_value(3).run()
    app.button(key="kernel.go").click().run()
    assert not app.exception and not app.error
    job = api.widths(run_id)[0]
    assert (job.config["width"]["widths"], job.config["width"]["eps"], job.config["run"]) == ([64], 0.1, run_id)
    record = api.here("width", dict(job.config))
    assert record.status == "done", record.error
    app.button(key=f"kernel.cancel.{job.id}").click().run()
    app.run()
    assert not app.exception and not app.error
    texts = "\n".join(e.value for kind in (app.header, app.caption) for e in kind)
    for words in ("What to believe", "From network to kernel", "Kernel spectrum", "FC-2 NTK", "20 test images"):
        assert words in texts
    assert "Width curve: about " in "\n".join(e.value for e in app.sidebar.caption)
    table = app.dataframe[0].value
    assert list(table["Audit"]) == ["not run", "not run"]
    assert list(table["Model"]) == ["NTK MLP, width 64, seed 0", "kernel FC-2 NTK, seed 0"]
    strong = record.result["rows"][-1]["strong_acc"]
    assert table["PGD-20 + margin-PGD"].iloc[-1].startswith(f"{100 * strong:.1f}")
    for stop, row in (("kernel", -1), ("64", 0)):  # the width slider begins at the kernel
        if stop != "kernel":
            app.select_slider(key="kernel.stop.64.kernel").set_value(stop).run()
        shown = [m.value for m in app.metric]
        expected = [record.result["rows"][row][f"{name}_acc"] for name in ("clean", "fgsm", "pgd", "strong")]
        assert shown == [f"{100 * share:.1f} %" for share in expected]


def test_finished_charts_can_be_saved_and_are_not_drawn_before(run_id: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(saving, "subprocess", None)  # what draws an SVG would fail
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/kernel.py").run()
    assert not app.exception and not app.error
    buttons = [button.proto for button in app.get("download_button")]
    assert [button.label for button in buttons if button.deferred_file_id] == ["SVG", "CSV"] * 2
    assert all(button.ignore_rerun for button in buttons)


def test_the_kernel_s_audit_stands_beside_its_accuracy(run_id: str):
    job = api.submit_audit(
        run_id, {"images": 20, "steps": 20, "short_steps": 5, "restarts": 2, "queries": 100}, "kernel"
    )
    workplace.store().request_cancel(job)
    audited = api.here("audit", dict(api.get(job).config))
    assert audited.status == "done", audited.error
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/kernel.py").run()
    assert not app.exception and not app.error
    assert list(app.dataframe[0].value["Audit"]) == ["not run", audited.result["state"]]
    assert api.audit_state(run_id) == "not run"


def test_only_learned_images_have_moments_that_begin_at_the_first(run_id: str):
    steps = api.moments(run_id)
    assert steps == sorted(set(steps)) and len(steps) >= 2
    first, same, none = api.support_at(run_id, 0, 0.1)
    last, change, largest = api.support_at(run_id, len(steps) - 1, 0.1)
    assert none == 0 < largest <= 1
    assert first != last and same != change and last.startswith(b"\x89PNG")


def test_a_gap_between_fgsm_and_the_strong_attack_is_called_out():
    app = AppTest.from_function(_gap).run()
    assert not app.exception and "wide (40 points)" in app.warning[0].value and "near" not in app.warning[0].value
    assert "hardly better than guessing" in app.warning[1].value and "lost" in app.warning[1].value
    assert "wide" not in app.warning[1].value


def _gap() -> None:
    from core import api
    from core.ui.kernel import view

    def row(title: str, fgsm: float, clean: float = 0.9) -> dict:
        shares = {"clean": clean, "fgsm": fgsm, "pgd": 0.3, "strong": 0.2}
        values = {f"{name}_acc": value for name, value in shares.items()}
        return {**values, **{f"{name}_interval": [0.0, 1.0] for name in shares}, "title": title, "seed": 0,
                "network": "mlp", "zero_gradient": 0.0, "width": None, "images": 20}  # fmt: skip

    rows = [row("wide", 0.6), row("near", 0.25), row("lost", 0.1, clean=0.12)]
    found = {"rows": rows, "classes": list("0123456789"), "attacks": {"fgsm": "FGSM"}, "eval_images": 20, "seed": 0}
    view.believe(api.results.WidthResult.read(found))


def test_the_finding_is_one_sentence_of_the_kernel_and_both_ends_of_the_widths() -> None:
    rows = [{"title": f"MLP, width {width}", "network": "mlp", "strong_acc": acc} for width, acc in WIDE]
    kernel = {"title": "kernel FC-3 NTK", "network": "kernel", "strong_acc": 0.88}
    found = view.sentence([*rows, kernel])
    assert found == "Kernel: 88 % robust, MLP of width 16: 1 %, MLP of width 1024: 66 %; all under the strong attack"
