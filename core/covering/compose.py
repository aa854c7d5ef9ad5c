"""Covers of data that does not fit: cover shards, then choose among the shards' centres.

If S1 covers T with radius r1 and S2 covers S1 with r2, then S2 covers T with r1 + r2: nothing more is needed to
cover in stages, but the radii add up fast. Much better for the same radius: take the union of the shards' centres
as candidates and cover *all* images with them, each ball at the radius asked for. Only candidates' neighbour lists
are held, so memory grows with their number and not with the square of the images.
"""

from collections.abc import Generator, Mapping, Sequence

import numpy as np

from core.covering.cover import cover_lists
from core.covering.distances import Metric, keys_between
from core.covering.fixed_radius import cover_radius
from core.covering.graph import row_blocks
from core.covering.solve import Effort


def cover_shards(
    shards: Sequence[np.ndarray], metric: Metric, threshold: float, effort: Effort, seed: int,
    finished: Mapping[int, np.ndarray] | None = None,
) -> Generator[dict[int, np.ndarray], None, dict[int, np.ndarray]]:  # fmt: skip
    """Cover each shard on its own.

    shards    (n_i, d) rows of one class each; anything indexable, so that shards may be read when needed
    finished  centres of shards that were covered before, to resume
    yields    the centres so far, shard number -> (k_i,) rows within the shard, after each shard
    """
    centres = dict(finished or {})
    for number in range(len(shards)):
        if number in centres:
            continue
        for step in cover_radius(shards[number], metric, threshold, effort, seed + number):
            centres[number] = step.centres
        yield dict(centres)
    return centres


def cover_by_candidates(
    shards: Sequence[np.ndarray], candidates: np.ndarray, metric: Metric, threshold: float
) -> np.ndarray:
    """Cover all shards' images by as few of the candidates as greedy with pruning finds.

    candidates  (m, d) rows that together cover every image within `threshold`
    returns     (k,) int64 positions in candidates, increasing
    """
    owners, points, offset = [], [], 0
    for shard in shards:
        for block in row_blocks(len(shard), len(candidates), 8):
            near = keys_between(candidates, shard[block], metric) <= threshold
            owner, point = np.nonzero(near)
            owners.append(owner.astype(np.int32))
            points.append((point + offset + block.start).astype(np.int32))
        offset += len(shard)
    owner, point = np.concatenate(owners), np.concatenate(points)
    order = np.argsort(owner, kind="stable")
    stop = np.cumsum(np.bincount(owner, minlength=len(candidates)))
    start = np.concatenate([[0], stop[:-1]])
    return np.sort(cover_lists(start, stop, point[order], offset))
