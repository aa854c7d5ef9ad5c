"""A study: its plan, its table against hand-made numbers, and runs that share work and survive a stop."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine.inline import LANE, InlineExecutor
from core.engine.job import Job
from core.engine.perform import folder_of
from core.engine.store import Store
from core.errors import ConfigError
from core.evaluation.options import EvaluationConfig
from core.events import Progress, Work, drive
from core.jobs import loading
from core.jobs.kinds import KINDS
from core.maps import umap
from core.settings.study import Study, groups, plan
from core.study import estimate as module
from core.study.desk import Desk
from core.study.done import finished
from core.study.estimate import estimate, extrapolate
from core.study.pace import Shares, effort
from core.study.table import markdown, table
from core.study.work import work
from core.types import RunRecord
from tests.flat_map import flat_map

SMALL = {
    "data": {"name": "digits", "limit": 120},
    "network": {"name": "mlp", "options": {"width": 16}},
    "methods": ("random", "k-center"), "ipc": (1, 2), "seeds": 2, "eps": (0.05, 0.1), "epochs": 3, "full_epochs": 1,
    "reference_seeds": 2, "attack": "strong", "attack_images": 12, "images": 20, "attack_steps": 4,
}  # fmt: skip


def record(cell, *, clean, pgd, attacked, **more):
    """A finished run of a cell with these accuracies."""
    curve = [{"eps": 0.0, "value": clean}, {"eps": cell.eps, "value": pgd}]
    return RunRecord(
        id=cell.digest, kind="run", name=cell.words, status="done", config=cell.settings.to_json(), created=0.0,
        result={"curve": curve, "robust_acc": attacked, "budget": 10 * (cell.ipc or 12)}, **more,
    )  # fmt: skip


def test_a_plan_has_every_combination_once_and_the_reference_for_each_training():
    study = Study(**SMALL)
    cells = list(plan(study))
    assert len(cells) == 2 * 2 * 2 * (1 + 2 * 2)  # seeds, trainings, radii; reference and methods times budgets
    assert len({cell.digest for cell in cells}) == len(cells)
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells)
    assert {cell.settings.evaluation.eps for cell in cells} == {0.05, 0.1}
    assert Study(**study.to_json()) == study


@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_the_reference_has_as_many_seeds_as_it_is_given(seeds: int):
    whole = [cell for cell in plan(Study(**{**SMALL, "reference_seeds": seeds})) if cell.ipc is None]
    assert {cell.seed for cell in whole} == set(range(seeds)) and len(whole) == seeds * 2 * 2  # trainings and radii


def test_the_attack_that_trains_is_the_one_that_judges():
    for cell in plan(Study(**SMALL, norm="L2")):
        judged, training = cell.settings.evaluation, cell.settings.training.options
        assert (judged.norm, judged.eps) == ("L2", cell.eps)
        if cell.training != "standard":
            assert (training.norm, training.eps) == ("L2", cell.eps)


def test_cells_share_a_condensed_set_and_a_standard_network_over_radii():
    study = Study(**SMALL)
    shared = groups(study)
    assert all(len({(c.method, c.ipc, c.seed) for c in cells}) == 1 for cells in shared.values())
    assert len(shared) == 2 * 5
    for cells in shared.values():
        assert len({c.model for c in cells if c.training == "standard"}) == 1
        assert len({c.model for c in cells if c.training == "warm-start"}) == 2


def test_a_method_that_is_robust_by_itself_is_made_for_each_radius():
    study = Study(**{**SMALL, "methods": ("adv-kip",), "reference_seeds": 0})
    assert {cell.settings.method.options.eps for cell in plan(study)} == {0.05, 0.1}
    assert len(groups(study)) == 2 * 2 * 2


def test_further_options_reach_their_method_training_and_network_and_nothing_else():
    changes = ("k-center.norm=Linf", "warm-start.attack_steps=1", "network.width=8")
    for cell in plan(Study(**SMALL, set=changes)):
        assert getattr(cell.settings.method.options, "norm", None) == ("Linf" if cell.method == "k-center" else None)
        assert getattr(cell.settings.training.options, "attack_steps", 1) == 1
        assert cell.settings.network.options.width == 8


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"methods": ("randm",)}, "there is no method called 'randm'"),
        ({"trainings": ("hope",)}, "no way of training called 'hope'"),
        ({"ipc": (0,)}, "must be positive"),
        ({"eps": (0.1, 0.1)}, "each only once"),
        ({"set": ("mfc.norm=L2",)}, "not in this study"),
        ({"set": ("random",)}, "not in this study|NAME.OPTION=VALUE"),
        ({"set": ("random.colour=red",)}, "colour is not an option"),
    ],
)
def test_wrong_settings_are_refused_before_anything_begins(change, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Study(**{**SMALL, **change})


def test_the_table_is_mean_and_deviation_and_share_of_the_reference():
    study = Study(**{**SMALL, "methods": ("random",), "ipc": (2,), "eps": (0.1,), "trainings": ("standard",)})
    numbers = {
        ("full", 0): (1.0, 0.6, 0.5), ("full", 1): (0.8, 0.6, 0.3),
        ("random", 0): (0.5, 0.3, 0.1), ("random", 1): (0.7, 0.5, 0.3),
    }  # fmt: skip
    made = {
        cell.digest: record(
            cell, **dict(zip(("clean", "pgd", "attacked"), numbers[cell.method, cell.seed], strict=True)),
            seconds={"condense": 2.0 + 2 * cell.seed, "train": 1.0}, peak_rss_mb=100.0 + cell.seed,
        )
        for cell in plan(study)
    }  # fmt: skip
    full, random = table(study, lambda cell: made.get(cell.digest))
    assert (full.method, full.ipc, full.seeds) == ("full", None, 2)
    assert (random.clean, random.pgd, random.attacked) == pytest.approx((0.6, 0.4, 0.2))
    assert (random.clean_std, random.attacked_std) == pytest.approx((np.sqrt(0.02), np.sqrt(0.02)))
    assert (random.clean_retained, random.attacked_retained) == pytest.approx((0.6 / 0.9, 0.2 / 0.4))
    assert (random.condense_s, random.train_s, random.memory_mb, random.budget) == (3.0, 1.0, 101.0, 20)
    assert "| random | 2 | standard | 0.1 | 2 | 60.0 ± 14.1 | 40.0 ± 14.1 | 20.0 ± 14.1 | 0.67 / 0.50 | 3 | 1 |" in (
        markdown([full, random], "strong")
    )


def test_of_several_networks_on_a_set_the_mean_counts():
    study = Study(**{**SMALL, "methods": ("random",), "ipc": (2,), "eps": (0.1,), "trainings": ("standard",),
                     "networks": 3, "reference_seeds": 1})  # fmt: skip
    assert [cell.settings.networks for cell in plan(study)] == [3, 1, 3]  # the reference has one
    made = {}
    for cell in plan(study):
        found = record(cell, clean=0.9, pgd=0.9, attacked=0.9)
        if cell.method == "random":
            each = [
                {"curve": [{"eps": 0, "value": 0.1 * n}, {"eps": 0.1, "value": 0.2 * n}], "seed": n, "clean_acc": 0.9,
                 "clean_interval": [0, 1], "interval": [0, 1], "robust_acc": 0.3 * n + cell.seed / 10}
                for n in range(3)
            ]  # fmt: skip
            found.result["networks"] = each
        made[cell.digest] = found
    full, random = table(study, lambda cell: made.get(cell.digest))
    assert (full.networks, random.networks) == (1, 3)
    assert (random.clean, random.pgd, random.attacked) == pytest.approx((0.1, 0.2, 0.35))
    assert random.attacked_std == pytest.approx(np.sqrt(0.005))
    assert "| random | 2 | standard | 0.1 | 2 × 3 | 10.0 ± 0.0 | 20.0 ± 0.0 | 35.0 ± 7.1 |" in markdown(
        [random], "strong"
    )


def test_a_half_done_study_shows_what_there_is_without_a_deviation_or_a_share():
    study = Study(**SMALL)
    first = next(cell for cell in plan(study) if cell.method == "random")
    made = {first.digest: record(first, clean=0.5, pgd=0.2, attacked=0.1)}
    (row,) = table(study, lambda cell: made.get(cell.digest))
    assert (row.seeds, row.clean_std, row.attacked_retained) == (1, None, None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setattr(umap, "embed", flat_map)
    return tmp_path


@pytest.fixture
def store(home: Path):
    opened = Store(home / "ballast.sqlite")
    yield opened
    opened.close()


LITTLE = {**SMALL, "methods": ("random",), "ipc": (2,), "seeds": 1, "reference_seeds": 0}


def done_here(study, store, home, on_event=lambda event: None):
    """Do a study in this process."""
    executor = InlineExecutor(store, home, KINDS, on_event)
    return work(study, Desk(name="s", store=store, home=home, executor=executor, lane=LANE))


def test_runs_of_one_condensed_set_use_the_same_bytes_and_train_a_network_once(home: Path, store: Store):
    study = Study(**LITTLE)
    done = dict(done_here(study, store, home))
    assert [r.status for r in done.values()] == ["done"] * 4
    folders = {cell.words: folder_of(home, r.id) for cell, r in done.items()}
    assert len({(folder / "condensed.npz").read_bytes() for folder in folders.values()}) == 1
    standard = [folders[cell.words] / "last.safetensors" for cell in done if cell.training == "standard"]
    attacked = [folders[cell.words] / "last.safetensors" for cell in done if cell.training == "warm-start"]
    assert standard[0].read_bytes() == standard[1].read_bytes() and attacked[0].read_bytes() != attacked[1].read_bytes()
    events = {cell.words: [e.note for e in store.events(r.id)] for cell, r in done.items()}
    made = [name for name, notes in events.items() if "condensed set of the earlier attempt" not in notes]
    assert made == [next(iter(events))]
    records = [store.get(r.id) for r in done.values()]
    assert len({r.seconds["condense"] for r in records}) == 1
    rows = table(study, lambda cell: finished(store).get(cell.digest))
    assert [row.seeds for row in rows] == [1] * 4 and rows[0].clean == rows[2].clean


def test_all_networks_of_a_set_are_trained_once(home: Path, store: Store):
    study = Study(**{**LITTLE, "networks": 2, "trainings": ("standard",)})
    done = dict(done_here(study, store, home))
    first, second = (folder_of(home, r.id) for r in done.values())
    for name in ("last.safetensors", "network-2-last.safetensors"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert (first / "last.safetensors").read_bytes() != (first / "network-2-last.safetensors").read_bytes()
    notes = [e.note for e in store.events([r.id for r in done.values()][1])]
    assert sum("network of the earlier attempt" in note for note in notes) == 2
    row = table(study, lambda cell: finished(store).get(cell.digest))[0]
    each = [r["curve"][0]["value"] for r in store.get(row.runs[0]).result["networks"]]
    assert row.networks == 2 and row.clean == pytest.approx(np.mean(each))


def test_what_is_done_is_not_done_again_and_more_can_be_asked_for(home: Path, store: Store):
    first = [cell.words for cell, _ in done_here(Study(**LITTLE), store, home)]
    assert list(done_here(Study(**LITTLE), store, home)) == []
    more = [cell.words for cell, _ in done_here(Study(**{**LITTLE, "eps": (0.05, 0.1, 0.2)}), store, home)]
    assert len(first) == 4 and len(more) == 2 and all("ε 0.2" in words for words in more)


def test_a_stopped_study_goes_on_where_it_was(home: Path, store: Store):
    study, ended = Study(**LITTLE), []

    def stop(event):
        if event.stage == "train":
            raise KeyboardInterrupt

    for cell, found in done_here(study, store, home, stop):
        ended.append((cell, found))
        break
    assert ended[0][1].status == "cancelled" and ended[0][1].resumable
    again = dict(done_here(study, store, home))
    assert [r.status for r in again.values()] == ["done"] * 4
    assert again[next(iter(again))].id == ended[0][1].id  # the same run, gone on with


def test_a_condensed_set_that_another_process_works_on_is_left_to_it(home: Path, store: Store):
    from core.engine import locks

    study = Study(**{**LITTLE, "ipc": (1, 2)})
    taken = locks.take(home / "studies" / "locks" / next(iter(groups(study))))
    try:
        assert {cell.ipc for cell, _ in done_here(study, store, home)} == {2}
    finally:
        taken.release()
    assert {cell.ipc for cell, _ in done_here(study, store, home)} == {1}


def test_a_run_that_fails_does_not_end_the_study(home: Path, store: Store, monkeypatch: pytest.MonkeyPatch):
    from core.compressors import METHODS
    from core.errors import NumericsError

    def broken(*args, **kwargs):
        raise NumericsError("the loss is not finite: choose a smaller learning rate")
        yield

    monkeypatch.setitem(METHODS, "k-center", replace(METHODS["k-center"], condense=broken))
    study = Study(**{**SMALL, "ipc": (2,), "seeds": 1, "eps": (0.1,), "reference_seeds": 0})
    found = {(cell.method, cell.training): r.status for cell, r in done_here(study, store, home)}
    assert found["random", "standard"] == "done" and found["k-center", "standard"] == "failed"
    assert len(found) == 4


class Later:
    """An executor that only notes what was queued, and is told what becomes of it."""

    def __init__(self, store: Store) -> None:
        self.store, self.queued, self.cancelled = store, [], []

    def submit(self, run_id: str) -> None:
        self.queued.append(run_id)

    def cancel(self, run_id: str) -> None:
        self.cancelled.append(run_id)
        self.store.request_cancel(run_id)

    def alive(self, run_id: str) -> bool:
        return False

    def end(self, run_id: str, status: str = "done") -> None:
        self.store.claim(run_id, pid=1, born=0.0)
        self.store.append(run_id, [Progress(stage="train", done=1, total=2)])
        self.store.finish(run_id, status)


def test_as_many_condensed_sets_are_worked_on_as_may_be_and_each_cell_by_cell(home: Path, store: Store, monkeypatch):
    study, later, heard = Study(**{**LITTLE, "methods": ("random", "k-center", "herding")}), Later(store), []
    desk = Desk(name="s", store=store, home=home, executor=later, at_once=2)
    monkeypatch.setattr("core.study.work.time.sleep", lambda _: [later.end(run) for run in later.queued[-2:]])
    going = work(study, desk, lambda cell, event: heard.append((cell.words, event.stage)))
    cell, record = next(going)
    first = [store.get(run).config["method"]["name"] for run in later.queued[:2]]
    assert first == ["random", "k-center"] and record.status == "done" and cell.method == "random"
    assert (cell.words, "train") in heard
    rest = list(going)
    assert len(later.queued) == len(rest) + 1 == 12 and not later.cancelled
    assert all(store.get(run).name.startswith("s · ") for run in later.queued)


def test_a_study_that_is_closed_cancels_what_it_queued_and_lets_others_go_on(home: Path, store: Store, monkeypatch):
    later = Later(store)
    desk = Desk(name="s", store=store, home=home, executor=later, at_once=2)
    study = Study(**{**LITTLE, "methods": ("random", "k-center")})

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("core.study.work.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(work(study, desk))
    assert later.cancelled == later.queued and len(later.queued) == 2
    assert {store.get(run).status for run in later.queued} == {"cancelled"}
    again = Later(store)
    monkeypatch.setattr("core.study.work.time.sleep", lambda _: [again.end(run) for run in again.queued[-1:]])
    assert len(list(work(study, Desk(name="s", store=store, home=home, executor=again)))) == 8


def test_a_run_that_somebody_else_queued_is_waited_for_and_not_done_twice(home: Path, store: Store, monkeypatch):
    study, later = Study(**{**LITTLE, "eps": (0.1,), "trainings": ("standard",)}), Later(store)
    (cell,) = plan(study)
    known = cell.identity
    other = store.create("run", cell.values, name="of a page", digest=known.digest, basis=known.basis, lane="work")
    monkeypatch.setattr("core.study.work.time.sleep", lambda _: later.end(other))
    ((_, record),) = work(study, Desk(name="s", store=store, home=home, executor=later))
    assert record.id == other and later.queued == []


def test_a_replaced_data_file_makes_every_cell_new_and_nothing_of_the_old_data_is_taken(home: Path, store: Store):
    path = home / "mine.npz"

    def write(seed: int) -> None:
        source = np.random.default_rng(seed)
        x = {part: source.random((n, 1, 2, 2), np.float32) for part, n in (("train", 20), ("test", 20))}
        y = {part: np.arange(20) % 2 for part in x}
        np.savez(path, x_train=x["train"], y_train=y["train"], x_test=x["test"], y_test=y["test"])

    write(0)
    study = Study(**{**LITTLE, "data": {"name": str(path)}, "eps": (0.05,), "trainings": ("standard",)})
    ((_, before),) = done_here(study, store, home)
    assert before.status == "done" and list(done_here(study, store, home)) == []
    write(1)
    ((_, after),) = done_here(study, store, home)
    assert after.status == "done" and after.data_hash != before.data_hash
    more = study.replace(eps=(0.05, 0.1))
    ((_, wider),) = done_here(more, store, home)
    folders = [folder_of(home, run.id) for run in (before, after, wider)]
    weights = [(folder / "last.safetensors").read_bytes() for folder in folders]
    assert weights[1] == weights[2] != weights[0] and wider.data_hash == after.data_hash


class Clock:
    """Seconds that pass only when work says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def work(self, total: int, before: float, each: float) -> Work[str]:
        """Something slow, then `total` units; without a total, only signs of life."""
        yield Progress(stage="condense", total=total)
        self.now += before
        for done in range(total or 1_000):
            yield Progress(stage="condense", done=done if total else 0, total=total)
            self.now += each
        return "end"


@pytest.mark.parametrize(("total", "each"), [(1_000, 0.5), (10, 3.0)])
def test_extrapolation_takes_the_rate_of_progress_to_its_end(total, each):
    clock = Clock()
    seconds, result = extrapolate(clock.work(total, 0.0, each), 2.0, clock)
    assert result is None and seconds == pytest.approx(total * each)


def test_work_that_ends_in_time_is_taken_as_it_is():
    clock = Clock()
    assert extrapolate(clock.work(3, 0.5, 0.1), 5.0, clock) == (pytest.approx(0.8), "end")


def test_work_without_countable_progress_has_no_estimate():
    clock = Clock()
    assert extrapolate(clock.work(0, 0.0, 0.1), 1.0, clock) == (None, None)
    assert clock.now < 104  # it was given up


def test_an_estimate_counts_what_is_missing_and_nothing_when_all_is_done(home: Path, store: Store):
    study = Study(**LITTLE)
    found = estimate(study, store, home)
    assert found.runs == 4 and found.known and found.train > 0 and found.evaluate > 0
    for _ in done_here(study, store, home):
        pass
    assert estimate(study, store, home).total == 0


JUDGED = dict(norm="Linf", eps=0.1, images=100, curve_points=2, curve_images=200, attack_steps=40, attack="autoattack")


@pytest.mark.parametrize(
    ("attack", "norm", "classes", "gradients"),
    [  # of an image that stands, by hand; two thirds of a gradient more for its two looks without an attack
        ("pgd", "Linf", 10, 40),
        ("strong", "Linf", 10, 40 + 3 * 50),
        ("autoattack", "Linf", 10, 100 + 9 * 100 + 9 * 200 + 5000 / 3),
        ("autoattack", "L2", 3, 100 + 2 * 200 + 5000 / 3),  # no targeted APGD for three classes
        ("autoattack", "L1", 10, 500 + 5 * 100 + 9 * 200),  # no Square
    ],
)
def test_effort_is_the_gradients_of_the_attack_that_is_asked_for(attack, norm, classes, gradients):
    one = EvaluationConfig(**JUDGED | {"attack": attack, "norm": norm, "images": 1, "curve_images": 1})
    assert effort(one, classes, Shares(1.0, 1.0)) == pytest.approx(gradients + 40 + 2 / 3)
    many = one.replace(images=100, curve_images=100)
    assert effort(many, classes, Shares(1.0, 1.0)) == pytest.approx(100 * effort(one, classes, Shares(1.0, 1.0)))
    fallen = effort(one, classes, Shares(1.0, 0.0)) - 2 / 3
    assert fallen == pytest.approx({"pgd": 0, "strong": 0, "autoattack": 500 if norm == "L1" else 100}[attack])


def test_judging_is_reckoned_at_the_pace_of_finished_runs(home: Path, store: Store, monkeypatch: pytest.MonkeyPatch):
    """A clock of a moment may be off by twenty times; where runs were judged it is not asked."""

    def clock(self) -> float:
        raise AssertionError("a pace is stored")

    monkeypatch.setattr("core.study.estimate._Sampler._gradient", clock)
    study = Study(**{**LITTLE, "eps": (0.05,), "trainings": ("standard",)})
    (cell,) = plan(study)
    known = cell.identity
    other = cell.values | {"networks": 2}
    run = store.create("run", other, name="before", digest="other", basis=known.basis, lane="work")
    store.claim(run, pid=1, born=0.0)
    store.finish(run, "done", result={"clean_acc": 1.0, "robust_acc": 0.5}, seconds={"evaluate": 30.0, "condense": 1.0})
    assert estimate(study, store, home).evaluate == pytest.approx(15.0)  # two networks took 30 s
    twice = study.replace(attack_images=24, images=40)
    assert estimate(twice, store, home).evaluate == pytest.approx(30.0)  # twice the images
    elsewhere = study.replace(network={"name": "mlp", "options": {"width": 8}})
    with pytest.raises(AssertionError, match="a pace is stored"):
        estimate(elsewhere, store, home)


def test_without_a_finished_run_the_usual_turn_of_several_counts(home: Path, store: Store, monkeypatch):
    """The first turn only warms up, and one that other work held up changes nothing."""
    took, now = iter([9.0, 0.5, 0.5, 40.0, 0.5, 0.5, 0.5, 0.5]), [0.0]

    def grad(_, x: torch.Tensor) -> tuple[torch.Tensor]:
        now[0] += next(took)
        return (torch.zeros_like(x),)

    study = Study(**{**LITTLE, "eps": (0.05,), "trainings": ("standard",)})
    job = Job(folder=home, home=home, device="cpu")
    sampler = module._Sampler(study, store, drive(loading.load(study.data, job)), job)
    monkeypatch.setattr(module.torch.autograd, "grad", grad)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    assert sampler._gradient() == pytest.approx(0.5 / module.SAMPLED_IMAGES)
