"""Covers of data that does not fit: cover shards, then choose among the shards' centres.

If S1 covers T with radius r1 and S2 covers S1 with r2, then S2 covers T with r1 + r2: nothing more is needed to
cover in stages, but the radii add up fast. Much better for the same radius: take the union of the shards' centres
as candidates and cover *all* images with them, each ball at the radius asked for. Only candidates' neighbour lists
are held, so memory grows with their number and not with the square of the images.
"""

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.covering.cover import cover_lists
from core.covering.distances import Metric, keys_between
from core.covering.fixed_radius import cover_radius
from core.covering.graph import DEFAULT_MEMORY, need, row_blocks
from core.covering.solve import Effort, Step


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


def cover_in_shards(
    rows: np.ndarray, metric: Metric, threshold: float, effort: Effort, seed: int, count: int
) -> Generator[Step, None, Step]:
    """Cover one class by balls of one radius without ever holding all of its pairs: shard, then choose.

    rows     (n, d) from `flat`, one class
    count    shards, drawn at random so that each resembles the class
    yields   Step; until a shard has its cover, its images stand for themselves
    returns  the last Step; its lower bound counts images so far apart that no ball holds two of them
    raises   ResourceError when a shard's graph or the candidates' lists would not fit
    """
    began = time.process_time()
    order = np.random.default_rng(seed).permutation(len(rows))
    parts = [np.sort(part) for part in np.array_split(order, min(count, len(rows)))]
    step = Step(centres=np.arange(len(rows)), key=threshold)
    yield step
    chosen = list(parts)
    for number, part in enumerate(parts):
        for found in cover_radius(rows[part], metric, threshold, effort, seed + number):
            chosen[number] = part[found.centres]
            step = replace(
                step, centres=np.sort(np.concatenate(chosen)), struck=step.struck or found.struck, phase="search"
            )
            yield step
    union = step.centres
    kept = union[cover_by_candidates([rows[part] for part in parts], rows[union], metric, threshold, effort.memory)]
    lower = len(apart(rows[union], metric, threshold))
    step = replace(
        step, centres=kept, lower_k=lower, phase="end", proven=lower == len(kept),
        seconds_distances=time.process_time() - began,
    )  # fmt: skip
    yield step
    return step


def apart(rows: np.ndarray, metric: Metric, threshold: float) -> np.ndarray:
    """Rows of which no ball within `threshold` holds two, found greedily; a cover needs a centre for each.

    returns  positions, in the order found
    """
    widest, free, found = metric.widest(threshold), np.arange(len(rows)), []
    while len(free):
        found.append(int(free[0]))
        free = free[keys_between(rows[free[:1]], rows[free], metric)[0] > widest]
    return np.array(found, np.int64)


def cover_by_candidates(
    shards: Sequence[np.ndarray], candidates: np.ndarray, metric: Metric, threshold: float,
    memory: int = DEFAULT_MEMORY,
) -> np.ndarray:  # fmt: skip
    """Cover all shards' images by as few of the candidates as greedy with pruning finds.

    candidates  (m, d) rows that together cover every image within `threshold`
    memory      bytes that the candidates' lists may take
    returns     (k,) int64 positions in candidates, increasing
    raises      ResourceError when the lists do not fit
    """
    owners, points, offset, filled = [], [], 0, 0
    for shard in shards:
        for block in row_blocks(len(shard), len(candidates), 8):
            near = keys_between(candidates, shard[block], metric) <= threshold
            owner, point = np.nonzero(near)
            filled += 2 * 2 * 4 * len(owner)  # two lists of 4 bytes, and the union of their parts
            need(
                filled,
                memory,
                len(candidates),
                "the lists of the candidates",
                lambda: "take more memory or fewer images",
            )
            owners.append(owner.astype(np.int32))
            points.append((point + offset + block.start).astype(np.int32))
        offset += len(shard)
    owner, point = np.concatenate(owners), np.concatenate(points)
    order = np.argsort(owner, kind="stable")
    stop = np.cumsum(np.bincount(owner, minlength=len(candidates)))
    start = np.concatenate([[0], stop[:-1]])
    return np.sort(cover_lists(start, stop, point[order], offset))
