"""Two classifiers on the same images: McNemar's exact test on those that one has right and the other wrong.

Source: McNemar 1947, doi:10.1007/BF02295996; the exact form is a binomial test of whether both kinds are as frequent.
Images that both have right, or both wrong, say nothing of which is better.
"""

from dataclasses import dataclass
from math import comb


@dataclass(frozen=True, kw_only=True)
class Paired:
    """How many images only one of two has right, and the two-sided p-value of both being as good."""

    only_one: int
    only_other: int

    @property
    def p(self) -> float:
        images = self.only_one + self.only_other
        fewer = min(self.only_one, self.only_other)
        tail = sum(comb(images, k) for k in range(fewer + 1))
        return min(1.0, 2 * tail / 2**images)
