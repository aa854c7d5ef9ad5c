"""Published accuracies as frozen rows, read once from `rows.csv`; each names where its numbers stand.

The numbers were copied from logs, leaderboards and tables of the works that are linked; the words are ours. A row says
how far it may be trusted beside one's own number, its `use`, and `REASONS` says why. One that attacked images after
normalisation has an eps of other units, and its clipping to [0, 1] there changes images by itself.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from core.types import Norm, Values

Use = Literal["ok", "weak attack", "clean only", "secondary", "not comparable"]
Space = Literal["pixels", "normalised", "unbounded"]
TABLE = Path(__file__).with_name("rows.csv")

REASONS: Mapping[Use, str] = {
    "ok": "comparable: a strong attack within ε of the pixels in [0, 1]",
    "weak attack": "weak attack: its accuracy is an upper limit of what a strong attack would leave",
    "clean only": "clean accuracy only: nothing is said of attacks",
    "secondary": "second hand: taken from the comparison table of another work, not from its authors",
    "not comparable": "not comparable: the attack changed and clipped images after normalisation, so its ε is in other "
    "units, and clipping alone already lowers the accuracy",
}


class PublishedRow(Values):
    """One published result.

    data      the name that Ballast has for the data set, or would have
    ipc       images per class; "full" is all train images, "share" a part that is chosen anew while training
    network, training  as the source says; "" where it does not
    attack    "" for clean accuracy only
    eps       maximum norm of the perturbation, in the units of `space`; None where there is no limit
    clean, robust  accuracies in [0, 1], None where the source gives none
    source    address of the table or log, `paper` of the work
    note      what else a reader must know
    """

    method: str
    data: str
    ipc: int | Literal["full", "share"]
    network: str
    training: str
    attack: str
    norm: Norm | None
    eps: float | None
    space: Space | None
    clean: float | None
    robust: float | None
    source: str
    paper: str
    note: str
    use: Use

    @property
    def reason(self) -> str:
        """Its use in words."""
        return REASONS[self.use]

    @property
    def protocol(self) -> str:
        """Network, training and attack with its budget, in one line."""
        limit = "no limit" if self.eps is None else f"ε {self.eps:.4g}"
        units = ", in normalised units" if self.space == "normalised" else ""
        attack = f"{self.attack}, {self.norm}, {limit}{units}" if self.attack else "no attack"
        network, training = self.network or "network not stated", self.training or "training of its paper"
        return f"{network} · {training} · {attack}"


def _cell(name: str, text: str) -> str | int | float | None:
    """One cell of the table as its value."""
    if name == "ipc":
        return int(text) if text.isdigit() else text
    if name in ("eps", "clean", "robust"):
        return float(text) if text else None
    return text or None if name in ("norm", "space") else text


def _read() -> tuple[PublishedRow, ...]:
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return tuple(
            PublishedRow.read({name: _cell(name, text) for name, text in line.items()})
            for line in csv.DictReader(lines)
        )


ROWS = _read()
