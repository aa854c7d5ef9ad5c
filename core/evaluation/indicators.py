"""The audit's indicators: what each one measures, when it passes, and what it means in a sentence.

Sources: Athalye et al. 2018, arXiv:1802.00420; Carlini et al. 2019, arXiv:1902.06705; the checks of Croce &
Hein's AutoAttack; Pintor et al. 2022, arXiv:2106.09947. No numbers are measured here, so pages can import it.
Restarts and transfer have a band of warning: honest digit networks at half accuracy in L2 and L1 reached 2.6
points and 1.5 %, while hidden gradients gave 31 points and 71 %.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.types import Accuracy, Attack

Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """One check of whether a robust accuracy can be trusted.

    value    what was measured, in `unit`
    rule     when it passes, with the threshold
    meaning  one sentence for the reader, fitting the verdict
    series   (label, number) pairs behind the value, for a small picture
    """

    name: str
    title: str
    value: float
    unit: str
    rule: str
    verdict: Verdict
    meaning: str
    series: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Rule:
    """A threshold: `limit` is the largest value that passes, or the smallest with `at_least`; up to `warn` warns."""

    title: str
    unit: str
    limit: float
    rule: str
    sound: str
    doubt: str
    warn: float | None = None
    at_least: bool = False

    def verdict(self, value: float) -> Verdict:
        value = round(value, 6)  # points are differences of shares in float32: 3.0000001 are 3
        if value >= self.limit if self.at_least else value <= self.limit:
            return "pass"
        return "warn" if self.warn is not None and value <= self.warn else "fail"


SHARE, POINTS = "% of images", "points of accuracy"

RULES: dict[str, Rule] = {
    "deterministic": Rule(
        "Deterministic", "largest difference of a logit", 0.0, "two forward passes are identical to the bit",
        "The model answers the same question the same way.",
        "The model answers at random, so an attack that looks once underestimates: use the preset rand.",
    ),
    "logits": Rule(
        "Logits", SHARE, 50.0, "the output is a probability vector on at most 50 % of images",
        "The output is made of logits.",
        "The output is made of probabilities: a softmax hides the gradient, so attack the layer before it.",
    ),
    "saturated": Rule(
        "Saturated loss", "% of correct images", 20.0, "cross-entropy ≤ 1e-6 on at most 20 % of correct images",
        "The cross-entropy still says which way is worse.",
        "The model is so sure that cross-entropy is zero in float32: attacks that follow it are blind.",
    ),
    "zero_gradient": Rule(
        "Zero gradient", SHARE, 1.0, "gradient norm < 1e-12 on at most 1 % of images, for cross-entropy and margin",
        "Every image has a gradient to follow.",
        "Where the gradient is zero no gradient attack moves: survival there proves nothing.",
    ),
    "uphill": Rule(
        "Gradient points uphill", SHARE, 95.0,
        "a small step along the margin's gradient beats an equal random step on at least 95 % of images",
        "Gradients point where the model is weaker.",
        "Random steps do as well as gradient steps: the gradients are masked.", at_least=True,
    ),
    "order": Rule(
        "Order of attacks", POINTS, 0.5, "PGD-20 ≤ FGSM + 0.5 and FGSM ≤ random noise + 0.5 points",
        "Stronger attacks break more.",
        "A weaker attack breaks more than a stronger one: the stronger one is being misled.",
    ),
    "converged": Rule(
        "Converged", POINTS, 3.0, "PGD-20 − PGD-100 ≤ 3 points and the last quarter of steps brings < 10 % of the gain",
        "More steps would change little.",
        "The attack had not finished: give it more steps.",
    ),
    "loss_agreement": Rule(
        "Losses agree", POINTS, 3.0, "PGD-100 with cross-entropy and with margin differ by at most 3 points",
        "Two losses reach the same accuracy.",
        "One loss breaks far more than the other: a number from the weaker one is an overestimate.",
    ),
    "best_iterate": Rule(
        "Best iterate", POINTS, 1.0, "the last iterate leaves at most 1 point more than the best",
        "Scoring only the last iterate would have been nearly as strong.",
        "The attack wanders: numbers from the last iterate alone are too high.",
    ),
    "silent": Rule(
        "Silent images", SHARE, 1.0, "the margin never rises under attack on at most 1 % of images",
        "The attack makes progress on every image.",
        "On some images the attack makes no progress at all, so it says nothing about them.",
    ),
    "restarts": Rule(
        "Restarts", POINTS, 2.0, "mean over 5 restarts − worst case ≤ 2 points; up to 4 is a warning",
        "Where the attack starts hardly matters.",
        "Each start breaks other images: the loss is rough and more restarts would break more.", warn=4.0,
    ),
    "monotone": Rule(
        "Monotone", POINTS, 0.5, "robust accuracy rises by at most 0.5 points (one image of 200) as ε grows",
        "A larger ε never helps the model.",
        "The model seems stronger at a larger ε, which cannot be: the attack fails there.",
    ),
    "unbounded": Rule(
        "Unbounded attack", SHARE, 0.5, "an attack that may repaint the image leaves at most 0.5 %",
        "Without a limit everything breaks, as it must.",
        "Images survive an attack without a limit: the attack is broken, not the model strong.",
    ),
    "scale": Rule(
        "Scale of logits", POINTS, 2.0, "no logit scale in 0.001, 0.1, 10 makes PGD stronger by more than 2 points",
        "Rescaling the logits does not help the attack.",
        "The same model with smaller or larger logits breaks more: the loss saturates.",
    ),
    "black_box": Rule(
        "Black box", SHARE, 0.0, "Square breaks none of the survivors; up to 3 % is a warning",
        "Guessing without gradients breaks nothing more.",
        "An attack without gradients breaks images that gradients did not: quote AutoAttack.", warn=3.0,
    ),
    "transfer": Rule(
        "Transfer", SHARE, 0.5, "attacks on a standard model newly break at most 0.5 %; up to 2 % is a warning",
        "Attacks made on another model break nothing more.",
        "Attacks made on another model break what attacks on this one did not: its gradients mislead.", warn=2.0,
    ),
}  # fmt: skip


def indicator(name: str, value: float, *series: tuple[str, float], holds: bool = True) -> Indicator:
    """Judge a value by its rule; `holds` is a further condition of the same rule."""
    rule = RULES[name]
    verdict = rule.verdict(value) if holds else "fail"
    return Indicator(
        name=name, title=rule.title, value=float(value), unit=rule.unit, rule=rule.rule, verdict=verdict,
        meaning=rule.sound if verdict == "pass" else rule.doubt, series=tuple((k, float(v)) for k, v in series),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """The indicators of one model, and the worst case over every attack they ran.

    clean, robust  accuracies on the audited images; robust counts everything that ran at eps
    notes          indicators that could not run, and why
    """

    indicators: tuple[Indicator, ...]
    clean: Accuracy
    robust: Accuracy
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> Literal["trusted", "doubtful"]:
        """Doubtful as soon as one indicator fails; warnings leave it trusted."""
        return "doubtful" if self.fired else "trusted"

    @property
    def fired(self) -> tuple[str, ...]:
        """Names of the indicators that fail."""
        return tuple(i.name for i in self.indicators if i.verdict == "fail")

    def to_json(self) -> dict[str, Any]:
        """Plain values for the store; `from_json` is the inverse."""
        return asdict(self) | {"state": self.state}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "AuditReport":
        """Rebuild what `to_json` gave, before or after it went through JSON text."""
        return cls(
            indicators=tuple(
                Indicator(**{**i, "series": tuple((label, value) for label, value in i["series"])})
                for i in stored["indicators"]
            ),
            clean=_accuracy(stored["clean"]),
            robust=_accuracy(stored["robust"]),
            seconds=stored["seconds"],
            notes=tuple(stored["notes"]),
        )


def _accuracy(stored: Mapping[str, Any]) -> Accuracy:
    return Accuracy(**{**stored, "attack": Attack(**stored["attack"])})
