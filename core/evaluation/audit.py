"""Is the robustness real? Sixteen indicators that separate robust models from attacks that fail.

Sources as in `indicators`. Cost for 200 images: about 800 gradients of each and 1,000 queries of the
survivors, which is half a minute for a small network on one core. The model is left as it was.
"""

import time
from collections.abc import Callable, Generator, Mapping
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from core.attacks import untouched
from core.errors import ConfigError
from core.evaluation import indicators_probes as probes
from core.evaluation.indicators import RULES, AuditReport, Indicator, indicator
from core.evaluation.indicators_trials import Trials
from core.evaluation.options import AuditConfig as Config
from core.evaluation.sample import choose
from core.events import Progress, Pulse, Work, pulsing, through
from core.types import Accuracy, Attack, TestSplit, stream

T = TypeVar("T")
Logits = Callable[[Tensor], Tensor]
RULES_FOR = 200  # images; fewer make rules of one or two points a matter of chance
GROWING = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)  # multiples of eps whose robust accuracy must not rise
SCALES = (1e-3, 0.1, 10.0)


def audit(
    model: Logits,
    test: TestSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    standard: Logits | None = None,
) -> Work[AuditReport]:
    """Measure every indicator on a stratified selection of test images.

    model     any function (n, c, h, w) in [0, 1] on `device` -> (n, n_classes) logits; left exactly as it was
    standard  a model trained without attacks on the same data, for the transfer attack; None leaves that out
    yields    Progress with stage "audit"; done and total count indicators
    raises    ConfigError when the model has no gradient or the wrong number of outputs
    """
    rows = choose(test, config.images, seed)
    x = torch.from_numpy(test.pixels(rows)).to(device)
    y = torch.from_numpy(test.y[rows]).to(device)
    began = time.perf_counter()
    with untouched(model):
        _refuse(model, x, n_classes)
        trials = Trials(model, x, y, norm=config.norm, eps=config.eps, seed=seed, batch=config.batch)
        pulse = _Counter()
        found: dict[str, Indicator] = {}
        parts = (_answers, _accuracies, _starts, _limits, lambda t, c: _outside(t, c, standard, found))
        for part in parts:
            for result in (yield from pulse.through(part(trials, config))):
                found[result.name] = result
                pulse.done += 1
    seconds = time.perf_counter() - began
    attack = Attack(name="audit", norm=config.norm, eps=config.eps, steps=config.steps, restarts=config.restarts)
    common: dict[str, Any] = {"images": len(rows), "seed": seed, "seconds": seconds}
    return AuditReport(
        indicators=tuple(found.values()),
        clean=Accuracy(correct=int(trials.right.sum()), attack=Attack(name="none"), **common),
        robust=Accuracy(correct=int(trials.standing.sum()), attack=attack, **common),
        seconds=seconds,
        notes=_notes(found, config, len(rows), standard is not None),
    )


class _Counter:
    """Turns the steps of measurements into events, a few per second."""

    def __init__(self) -> None:
        self.done, self.pulse = 0, Pulse(first=True)

    def through(self, work: Generator[str, None, T]) -> Work[T]:
        return (yield from pulsing(work, self._event, self.pulse))

    def _event(self, note: str) -> Progress:
        return Progress(stage="audit", done=self.done, total=len(RULES), unit="indicators", note=note)


Part = Generator[str, None, list[Indicator]]


def _saying(note: str, work: Generator[object, None, T]) -> Generator[str, None, T]:
    return (yield from through(work, lambda _: note))


def _refuse(model: Logits, x: Tensor, n_classes: int) -> None:
    with torch.enable_grad():
        out = model(x[:2].detach().requires_grad_())
    if out.shape != (len(x[:2]), n_classes):
        raise ConfigError(f"the model must return ({len(x[:2])}, {n_classes}) logits, got {tuple(out.shape)}")
    if not out.requires_grad:
        raise ConfigError(
            "the model gives no gradient with respect to its images: only AutoAttack's Square can test it"
        )


def _answers(trials: Trials, config: Config) -> Part:
    """deterministic, logits, saturated, zero_gradient, uphill."""
    model, x, y, batch = trials.model, trials.x, trials.y, config.batch
    yield "answers"
    once, again = probes.in_parts(model, x, batch), probes.in_parts(model, x, batch)
    zero = {}
    for loss in ("ce", "margin"):
        yield f"gradients of {loss}"
        grad = probes.gradients(model, x, y, loss, batch)
        zero[loss] = probes.zero_share(grad)
    source = torch.Generator().manual_seed(stream(trials.seed, "audit", "uphill"))
    uphill = probes.uphill_share(model, x, y, grad, norm=config.norm, step=config.eps / 10, batch=batch, source=source)
    return [
        indicator("deterministic", float((once - again).abs().max())),
        indicator("logits", probes.probability_share(once)),
        indicator("saturated", probes.saturated_share(once, y)),
        indicator("zero_gradient", max(zero.values()), *zero.items()),
        indicator("uphill", uphill),
    ]


def _accuracies(trials: Trials, config: Config) -> Part:
    """order, converged, loss_agreement, best_iterate, silent."""
    noise, one = trials.accuracy(trials.noise()), trials.accuracy(trials.fgsm())
    short = yield from _saying("PGD, short", trials.pgd("ce", config.short_steps))
    long = yield from _saying("PGD with cross-entropy", trials.pgd("ce", config.steps))
    margin = yield from _saying("PGD with the margin", trials.pgd("margin", config.steps))
    last = yield from _saying("PGD, last iterate", trials.pgd("ce", config.steps, keep="last"))
    few, ce, by_margin, end = (trials.accuracy(t.standing) for t in (short, long, margin, last))
    quarter = late_share(long.gain)
    chain = (("noise", noise), ("FGSM", one), (f"PGD-{config.short_steps}", few))
    return [
        indicator("order", max(few - one, one - noise), *chain),
        indicator(
            "converged", few - ce, (f"PGD-{config.short_steps}", few), (f"PGD-{config.steps}", ce),
            ("last quarter, % of the gain", quarter), holds=quarter < 10,
        ),
        indicator("loss_agreement", abs(ce - by_margin), ("cross-entropy", ce), ("margin", by_margin)),
        indicator("best_iterate", end - ce, ("last", end), ("best", ce)),
        indicator("silent", trials.accuracy(margin.silent)),
    ]  # fmt: skip


def late_share(gain: tuple[float, ...]) -> float:
    """Percent of the whole gain that came in the last quarter of the steps; 0 when nothing was gained."""
    if not gain or gain[-1] <= 0:
        return 0.0
    return 100 * (gain[-1] - gain[-1 - len(gain) // 4]) / gain[-1]


def _starts(trials: Trials, config: Config) -> Part:
    """restarts."""
    every = []
    for start in range(config.restarts):
        note = f"restart {start + 1} of {config.restarts}"
        every.append((yield from _saying(note, trials.pgd("ce", config.steps, start=start))).standing)
    worst = every[0].clone()
    for standing in every:
        worst &= standing
    each = [trials.accuracy(standing) for standing in every]
    series = [(f"start {i + 1}", value) for i, value in enumerate(each)]
    return [indicator("restarts", float(np.mean(each)) - trials.accuracy(worst), *series)]


def _limits(trials: Trials, config: Config) -> Part:
    """monotone, unbounded, scale."""
    growing, scaled = [], {}
    for factor in GROWING:
        eps = min(factor * config.eps, 1.0) if config.norm == "Linf" else factor * config.eps
        run = _saying(f"ε = {eps:.3g}", trials.pgd("ce", config.short_steps, eps=eps))
        growing.append((f"{eps:.4g}", trials.accuracy((yield from run).standing)))
    whole = {"Linf": 1.0, "L2": max(30.0, trials.x[0].numel() ** 0.5), "L1": float(trials.x[0].numel())}[config.norm]
    free = yield from _saying("without a limit", trials.pgd("ce", config.steps, eps=whole))
    for scale in (1.0, *SCALES):
        run = _saying(f"logits × {scale:g}", trials.pgd("ce", config.short_steps, scale=scale))
        scaled[f"× {scale:g}"] = trials.accuracy((yield from run).standing)
    base, *others = scaled.values()
    return [
        indicator("monotone", max(b - a for (_, a), (_, b) in pairwise(growing)), *growing),
        indicator("unbounded", trials.accuracy(free.standing)),
        indicator("scale", base - min(others), *scaled.items()),
    ]


def _outside(trials: Trials, config: Config, standard: Logits | None, found: Mapping[str, Indicator]) -> Part:
    """black_box and transfer, on what is standing after everything else."""
    result = []
    if config.norm != "L1":
        blind = found["zero_gradient"].verdict != "pass" or found["silent"].verdict != "pass"
        queries = config.queries * (5 if blind else 1)
        broken = yield from _saying(f"Square, {queries} queries", trials.square(queries))
        result.append(indicator("black_box", 100 * broken / len(trials.y), ("queries", queries)))
    if standard is not None:
        broken = yield from _saying("transfer", trials.transfer(standard, config.steps))
        result.append(indicator("transfer", 100 * broken / len(trials.y)))
    return result


def _notes(found: Mapping[str, Indicator], config: Config, images: int, standard: bool) -> tuple[str, ...]:
    notes = []
    if images < config.images:
        notes.append(f"The test split has {images} images; {config.images} were asked for")
    if images < RULES_FOR:
        notes.append(f"The rules are made for {RULES_FOR} images: with {images} one image is {100 / images:.1f} points")
    if config.norm == "L1":
        notes.append("Black box did not run: Square is defined for Linf and L2")
    if not standard:
        notes.append("Transfer did not run: it needs a model trained without attacks on the same data")
    if "zero_gradient" in found and found["zero_gradient"].verdict == "fail":
        notes.append("Gradients are zero: the robust accuracy here rests on attacks without them and is an upper bound")
    return tuple(notes)
