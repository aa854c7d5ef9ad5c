"""What the two solvers are told and what they tell.

Both are generators that hand out a `Step` whenever something is known better, and at least about once a second.
They are pure: no clock decides anything except `seconds`, a safety net whose use is reported.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard to try, per class. Equal efforts and seeds give equal covers unless `seconds` struck.

    steps     local search: exchanges of one centre, in all
    patience  local search: exchanges without improvement before it ends
    prove     whether to look for lower bounds
    nodes     branch and bound: nodes of the proof, 0 for none
    seconds   wall-clock limit, a safety net
    memory    bytes for distances and neighbour lists
    """

    steps: int = 300_000
    patience: int = 100_000
    prove: bool = True
    nodes: int = 200
    seconds: float = 60.0
    memory: int = 4_000_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """The state of one class's solve.

    centres    (k,) int64 rows of the best cover so far
    key        its radius as a key (fixed radius: the threshold asked for; fixed budget: the radius achieved)
    lower_k    fixed radius: no cover has fewer centres
    lower_key  fixed budget: no k centres reach a smaller radius
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
