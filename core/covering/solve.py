"""What the two solvers are told and what they tell.

Both are generators that hand out a `Step` whenever something is known better, and at least about once a second.
They are pure: no clock decides anything except `seconds`, a safety net whose use is reported.
"""

import time
from dataclasses import dataclass

import numpy as np

from core.covering.graph import DEFAULT_MEMORY

EVENT_SECONDS = 0.3  # at most so long between two events, where the work can be cut


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard to try, per class. Equal efforts and seeds give equal covers unless `seconds` struck.

    steps    local search: exchanges of one centre, in all; with large balls one counts as several
    rounds   linear programme: rounds of row generation, each; 0 looks for no lower bound and no proof
    nodes    branch and bound: nodes of each proof; 0 for none
    entries  branch and bound: non-zeros of a programme beyond which it is not tried
    seconds  limit on processor time, a safety net
    memory   bytes for distances and neighbour lists
    """

    steps: int = 300_000
    rounds: int = 100
    nodes: int = 200
    entries: int = 5_000
    seconds: float = 120.0
    memory: int = DEFAULT_MEMORY


QUICK = Effort(steps=20_000, rounds=20, nodes=0, seconds=20.0)  # where an answer at once is worth more than the best


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """The state of one class's solve.

    centres    (k,) int64 rows of the best cover so far, increasing
    key        its radius as a key (fixed radius: the threshold asked for; fixed budget: the radius achieved)
    lower_k    fixed radius: no cover has fewer centres
    lower_key  fixed budget: no k centres reach a radius smaller than this key
    proven     the cover is the best there is
    phase      "first", "search", "bound", "proof" or "end"
    struck     the time limit ended a phase early
    seconds_distances  process seconds spent on distances
    """

    centres: np.ndarray
    key: float
    lower_k: int = 1
    lower_key: float = 0
    proven: bool = False
    phase: str = "first"
    struck: bool = False
    seconds_distances: float = 0.0

    def __post_init__(self) -> None:
        ordered(self.lower_k, len(self.centres), "number of centres")
        ordered(self.lower_key, self.key, "key of the radius")
        met = self.lower_k == len(self.centres) or self.lower_key == self.key
        assert met or not self.proven, f"a cover is called proven that is above its bound: {self}"


def ordered(lower: float, reached: float, what: str) -> None:
    """Hold a bound against what was found; a bound above it is a false proof and must not be handed out."""
    assert lower <= reached, (
        f"false proof: the {what} is at least {lower} by the lower bound, but a cover with {reached} is known; "
        "this is a fault of core/covering, please report it with the data and the settings"
    )


class Clock:
    """The safety net: asks whether the process used `seconds` of processor time and remembers that it had."""

    def __init__(self, seconds: float) -> None:
        self.end, self.struck = time.process_time() + seconds, False

    def over(self) -> bool:
        """Whether the time is up."""
        if time.process_time() > self.end:
            self.struck = True
        return self.struck
