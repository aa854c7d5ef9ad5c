"""Evaluation: closed forms on linear models, counts, selection of test images, and the model left alone."""

import numpy as np
import pytest
import torch

from core.errors import NumericsError
from core.evaluation import verdicts
from core.evaluation.evaluate import Config, curve_eps, evaluate, snapshot, warnings
from core.evaluation.sample import choose
from core.events import drive, finish
from core.networks.model import build
from core.types import Attack, TestSplit

SHAPE = (1, 4, 4)


def split(n=150, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n, dtype=np.int64) % n_classes)
    return TestSplit(x=rng.uniform(0.3, 0.7, (n, *SHAPE)).astype(np.float32), y=y, levels=0)


def two_classes(n=120):
    """Images with labels that a linear model gets mostly right, with very different margins."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0.4, 0.6, (n, *SHAPE)).astype(np.float32)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor(rng.normal(size=(2, 16)), dtype=torch.float32))
        model[1].bias.zero_()
        model[1].bias.copy_(-model(torch.from_numpy(x)).mean(0))
        y = model(torch.from_numpy(x)).argmax(1).numpy().copy()
    y[:10] = 1 - y[:10]
    return model, TestSplit(x=x, y=y, levels=0)


def run(model, test, config, seed=0, events=None):
    work = evaluate(model, test, config, n_classes=3, seed=seed, device="cpu")
    return drive(work, (events if events is not None else []).append)


def net(seed=0):
    return build("mlp", {"width": 16, "depth": 1}, SHAPE, 3, [0.5], [0.2], seed=seed)


@pytest.mark.parametrize(("norm", "dual"), [("Linf", 1), ("L2", 2)])
@pytest.mark.parametrize("attack", ["pgd", "strong"])
def test_robust_accuracy_of_a_linear_model_is_the_closed_form(norm, dual, attack):
    model, test = two_classes()
    weight = (model[1].weight[0] - model[1].weight[1]).detach()
    logits = model(torch.tensor(test.x)).detach()
    y = torch.tensor(test.y)
    gap = logits.gather(1, y[:, None]) - logits.gather(1, 1 - y[:, None])
    distance = (gap[:, 0] / weight.norm(p=dual)).numpy()
    ordered = np.sort(distance[distance > 0])
    widest = 30 + int(np.diff(ordered)[30:80].argmax())
    eps = float(ordered[widest : widest + 2].mean())  # between two images, away from what PGD leaves undone
    report = run(model, test, Config(norm=norm, eps=eps, attack=attack, attack_steps=50, images=120, curve_points=0))
    assert report.clean.correct == int((distance > 0).sum()) == 110
    assert report.robust.correct == int((distance > eps).sum())
    assert report.robust.images == 120


def test_eps_zero_is_clean_accuracy_and_a_wrong_image_is_never_robust():
    report = run(net(), split(), Config(eps=0.0, images=150))
    assert report.robust.correct == report.clean.correct
    report = run(net(), split(), Config(eps=0.05, images=150, curve_images=150))
    assert report.curve[0].correct == report.clean.correct
    assert report.curve[0].attack.eps == 0 and report.curve[0].attack.name == "none"
    assert report.robust.correct <= report.clean.correct


def test_the_curve_has_its_points_in_order_and_names_its_attack():
    report = run(net(), split(), Config(eps=0.1, curve_points=5, curve_end=0.2, attack_steps=7, curve_images=90))
    assert [a.attack.eps for a in report.curve] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert {a.images for a in report.curve} == {90}
    assert report.curve[2].attack.sentence() == "PGD-7, Linf, ε 0.1, step 0.0357, 1 restart, CE"
    assert report.curve[-1].correct <= report.curve[0].correct
    assert report.device == "cpu"


def test_the_curve_is_what_every_smaller_attack_leaves_and_attacks_nothing_twice(monkeypatch):
    config = Config(eps=0.1, curve_points=6, curve_end=0.3, attack_steps=4, restarts=2, curve_images=90)
    model, test = net(), split()
    x, y = (torch.from_numpy(values[choose(test, 90, 0)]) for values in (test.x, test.y))
    attacked, real = [], verdicts.pgd_steps

    def spy(*values, **settings):
        attacked.append(int((torch.as_tensor(settings["eps"]) > 0).sum()) if torch.is_tensor(settings["eps"]) else 90)
        return real(*values, **settings)

    monkeypatch.setattr(verdicts, "pgd_steps", spy)
    curve = run(model, test, config).curve
    monkeypatch.undo()
    left, apart = torch.ones(90, dtype=torch.bool), []
    for eps in curve_eps(config)[1:]:
        alone = finish(verdicts.headline(model, x, y, config.replace(eps=eps), n_classes=3, seed=0))
        left &= alone.standing
        apart.append((int(left.sum()), alone.accuracy.correct))
    assert [point.correct for point in curve[1:]] == [together for together, _ in apart]
    assert all(abs(together - by_itself) <= 1 for together, by_itself in apart)  # of 90 images
    assert 0 < curve[3].correct < curve[1].correct and sum(attacked[2:]) < 90 * 5  # the headline comes in two batches


def test_curve_without_points_or_without_eps():
    assert curve_eps(Config(curve_points=0)) == []
    assert curve_eps(Config(eps=0)) == [0.0]
    assert curve_eps(Config(eps=0.2, curve_points=4)) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_more_restarts_never_raise_robust_accuracy():
    counts = [
        run(net(), split(), Config(eps=0.06, restarts=r, attack_steps=3, curve_points=0)).robust.correct
        for r in (1, 2, 5)
    ]
    assert counts == sorted(counts, reverse=True)


def test_the_strong_attack_is_at_least_as_strong_as_pgd():
    config = Config(eps=0.05, attack_steps=3, curve_points=0)
    assert (
        run(net(), split(), config.replace(attack="strong")).robust.correct
        <= run(net(), split(), config).robust.correct
    )


def test_same_seed_same_counts_and_the_model_is_left_as_it_was():
    model = net()
    model.train()
    model.head.weight.requires_grad_(False)
    before, state = torch.get_rng_state(), {k: v.clone() for k, v in model.state_dict().items()}
    first, again = (run(model, split(), Config(eps=0.05)) for _ in range(2))
    assert [a.correct for a in first.curve] == [a.correct for a in again.curve]
    assert first.robust.correct == again.robust.correct
    assert model.training and model.body.training
    assert not model.head.weight.requires_grad and model.body[1].weight.requires_grad
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())


def test_dropout_and_batch_statistics_are_off_while_judging():
    model = build("resnet18", {"width": 4, "norm": "batch"}, (1, 8, 8), 3, [0.5], [0.2], seed=0)
    rng = np.random.default_rng(0)
    y = np.arange(30, dtype=np.int64) % 3
    test = TestSplit(x=rng.uniform(size=(30, 1, 8, 8)).astype(np.float32), y=y, levels=0)
    model.train()
    report = run(model, test, Config(eps=0.0, images=30))
    with torch.no_grad():
        right = int((model.eval()(torch.tensor(test.x)).argmax(1).numpy() == y).sum())
    assert report.clean.correct == right


def test_closing_in_the_middle_restores_the_model():
    model = net()
    model.train()
    work = evaluate(model, split(2000), Config(eps=0.05, images=2000, restarts=20), n_classes=3, seed=0, device="cpu")
    next(work)
    next(work)
    work.close()
    assert model.training and model.head.weight.requires_grad


def test_progress_counts_images_up_to_the_total():
    events = []
    report = run(net(), split(), Config(eps=0.05, images=100, curve_images=50, curve_points=3), events=events)
    done = [e.done for e in events]
    assert done == sorted(done)
    assert events[-1].done == events[-1].total == 2 * 100 + 3 * 50
    assert {e.stage for e in events} == {"evaluate"}
    assert events[-1].values["robust_acc"] == report.robust.value
    assert events[-1].values["clean_acc"] == report.clean.value


def test_selection_is_stratified_nested_and_seeded():
    test = split(300)
    rows = choose(test, 60, 0)
    assert len(set(rows.tolist())) == 60
    assert np.bincount(test.y[rows]).tolist() == [20, 20, 20]
    assert rows.tolist() == choose(test, 200, 0)[:60].tolist()
    assert rows.tolist() == choose(test, 60, 0).tolist()
    assert rows.tolist() != choose(test, 60, 1).tolist()
    assert sorted(choose(test, 10_000, 0).tolist()) == list(range(300))


def test_snapshot_is_quick_and_leaves_the_mode_alone():
    model = net()
    model.train()
    clean, robust = drive(snapshot(model, split(), Config(eps=0.05, attack_steps=40), seed=0, device="cpu"))
    assert clean.images == robust.images == 100
    assert robust.attack.steps == 10
    assert robust.correct <= clean.correct
    assert model.training
    assert drive(snapshot(model, split(), Config(live_images=0), seed=0, device="cpu")) is None


@pytest.mark.parametrize(("attack_steps", "steps"), [(40, 10), (4, 4)])
def test_a_snapshot_is_plain_pgd_of_ten_steps_at_most_whatever_the_headline_is(attack_steps, steps, monkeypatch):
    asked, real = [], verdicts.pgd_steps

    def spy(model, x, y, **settings):
        asked.append({name: settings[name] for name in ("norm", "eps", "steps", "step_size", "restarts", "loss")})
        return real(model, x, y, **settings)

    monkeypatch.setattr(verdicts, "pgd_steps", spy)
    config = Config(eps=0.05, attack="strong", attack_steps=attack_steps, restarts=4, step_size=0.001, live_images=60)
    clean, robust = finish(snapshot(net(), split(), config, seed=0, device="cpu"))
    assert asked == [
        {"norm": "Linf", "eps": 0.05, "steps": steps, "step_size": None, "restarts": 1, "loss": "ce"}
    ]  # a step of None is 2.5 eps / steps
    assert robust.attack == Attack(
        name="PGD", norm="Linf", eps=0.05, steps=steps, step_size=2.5 * 0.05 / steps, restarts=1, loss="CE"
    )
    assert (clean.images, robust.images, clean.attack) == (60, 60, Attack(name="none"))


def test_the_strong_pair_asks_for_every_step_of_every_restart_of_both():
    """Where nothing falls: PGD with its restarts, then margin-PGD three times 50 steps, ends looked at too."""
    test, model = split(), net()
    config = Config(eps=1e-7, attack="strong", attack_steps=6, restarts=2, images=150, curve_points=0)
    report = run(model, test, config)
    right = report.clean.correct
    assert report.robust.correct == right > 20
    assert [(part.name, part.images, part.queries) for part in report.parts] == [
        ("PGD-6 × 2 (ce)", right, right * 2 * (6 + 1)), ("PGD-50 × 3 (margin)", right, right * 3 * (50 + 1)),
    ]  # fmt: skip


def test_an_image_must_survive_both_attacks_of_the_strong_pair(monkeypatch):
    """One attack breaks every other image, the other every third; those that neither breaks stand."""

    def broken(model, x, y, **settings):
        rows = torch.arange(len(x)) % (2 if settings["loss"] == "ce" else 3) == 0
        yield verdicts.Step(restart=0, step=0, rows=torch.arange(len(x)), images=x, loss=torch.zeros(len(x)))
        return torch.where(rows.view(-1, 1, 1, 1), torch.zeros_like(x), x)

    def sure(x):
        """Class 1 for images, class 0 for what is black."""
        bright = (x.flatten(1).sum(1) > 0).float()
        return torch.stack([1 - bright, bright], 1)

    monkeypatch.setattr(verdicts, "pgd_steps", broken)
    x, y = torch.ones(12, 1, 2, 2), torch.ones(12, dtype=torch.int64)
    judged = finish(verdicts.strong(sure, x, y, Config(attack="strong"), 0))
    left = [row for row in range(12) if row % 2]  # by the first attack; the second sees these as rows 0 to 5
    assert judged.standing.nonzero()[:, 0].tolist() == [row for place, row in enumerate(left) if place % 3]
    assert judged.accuracy.correct == 4 and [part.broken for part in judged.parts] == [6, 2]


def test_the_margin_attack_takes_its_own_step_and_every_batch_its_own_starts(monkeypatch):
    asked, real = [], verdicts.pgd_steps

    def spy(model, x, y, **settings):
        asked.append(tuple(settings[name] for name in ("steps", "step_size", "restarts", "loss")))
        asked.append(settings["generator"].initial_seed())
        return real(model, x, y, **settings)

    monkeypatch.setattr(verdicts, "pgd_steps", spy)
    run(net(), split(), Config(eps=1e-7, attack="strong", attack_steps=3, step_size=1e-8, images=128, curve_points=0))
    assert asked[::2] == [(3, 1e-8, 1, "ce"), (50, None, 3, "margin")] * 2
    assert len(set(asked[1::2])) == 4


def test_warnings_say_when_a_number_means_little():
    plain = warnings(Config(images=500), 500, 10_000)
    assert plain == ("PGD only: an upper bound on robustness; AutoAttack not run",)
    text = " ".join(warnings(Config(images=500, attack_steps=5), 60, 60))
    assert "5 steps is too weak" in text and "Only 60 test images" in text and "500 were asked for" in text
    assert warnings(Config(attack="autoattack", images=500), 500, 10_000) == ()


def test_intervals_contain_the_share_and_shrink_with_more_images():
    narrow = run(net(), split(600), Config(eps=0, images=600, curve_points=0)).clean
    wide = run(net(), split(600), Config(eps=0, images=60, curve_points=0)).clean
    for accuracy in (narrow, wide):
        low, high = accuracy.interval
        assert 0 <= low < accuracy.value < high <= 1
    assert narrow.interval[1] - narrow.interval[0] < wide.interval[1] - wide.interval[0]


def test_a_diverged_model_is_refused():
    model = net()
    with torch.no_grad():
        model.head.bias.fill_(float("nan"))
    with pytest.raises(NumericsError, match="diverged"):
        run(model, split(), Config())


def test_autoattack_in_l1_says_which_part_is_not_in_it():
    report = run(net(), split(), Config(norm="L1", eps=5, attack="autoattack", images=30, curve_points=0))
    assert report.robust.correct == 0 < report.clean.correct
    assert any("Square" in note and "left out" in note for note in report.notes)


def test_autoattack_counts_what_it_leaves_and_passes_its_notes_on():
    """At this eps the first part breaks every image, so the test is short; three classes leave APGD-T out."""
    report = run(net(), split(), Config(eps=0.5, attack="autoattack", images=30, curve_points=0))
    assert report.robust.correct == 0 < report.clean.correct
    assert report.robust.attack.sentence() == "AutoAttack, Linf, ε 0.5, standard"
    assert any("APGD-T left out" in note for note in report.notes)
    assert not any("not run" in note for note in report.notes)
