"""A 2-D map of the train images: UMAP on exact faiss neighbours, or the data's own two dimensions.

UMAP keeps neighbours together; distances, sizes and gaps on it mean little, so memberships are computed
in pixel space (`core.maps.members`), never on the map. Neighbours are handed over precomputed, the start
is PCA and the seed is fixed: equal images give an equal map.
Source: McInnes et al. 2018, arXiv:1802.03426. Cost: 2-5 s for 5,000 images on one core, and about 6 s
more for the first map of a process, which compiles.
"""

import threading
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.events import Progress, Work
from core.types import TrainSplit, stream

SAMPLE = 10_000  # images drawn at most
NEIGHBOURS = 15
FEW = 20  # below this many images neighbours mean nothing and principal components are drawn
PULSE_S = 0.5
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Map:
    """xy (n, 2) float32 of the train rows `rows` (n,) int64; `true_space` when xy are the pixels themselves."""

    xy: np.ndarray
    rows: np.ndarray
    true_space: bool


def embed(train: TrainSplit, *, seed: int = 0, sample: int = SAMPLE) -> Work[Map]:
    """Lay out the train images, or a stratified sample of `sample` of them, in two dimensions.

    yields   Progress with stage "map"; a fit tells no progress, so done is 0 until it ends
    returns  Map; pixel coordinates when an image has exactly two values
    """
    rows = draw(train.y, sample, seed)
    flat = np.ascontiguousarray(train.pixels(rows).reshape(len(rows), -1))
    true_space = flat.shape[1] == 2
    if true_space:
        xy = flat
    elif len(rows) < FEW:
        xy = principal(flat)
    else:
        xy = yield from beating(lambda: fit(flat, seed), len(rows))
    yield Progress(stage="map", done=len(rows), total=len(rows), unit="images")
    return Map(xy=xy.astype(np.float32), rows=rows, true_space=true_space)


def draw(y: np.ndarray, sample: int, seed: int) -> np.ndarray:
    """At most `sample` rows with the classes in proportion, increasing; all rows when they are few enough."""
    if len(y) <= sample:
        return np.arange(len(y), dtype=np.int64)
    rng = np.random.default_rng(stream(seed, "map sample"))
    place = np.empty(len(y))
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        place[rng.permutation(members)] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.sort(np.argsort(place, kind="stable")[:sample])


def fit(flat: np.ndarray, seed: int) -> np.ndarray:
    """UMAP of (n, d) float32 rows, n >= FEW; (n, 2)."""
    indices, distances = _self_first(*neighbours(flat, flat, NEIGHBOURS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no Tensorflow; one job because of the seed; no transform without an index
        import umap

        model = umap.UMAP(
            n_neighbors=NEIGHBOURS,
            precomputed_knn=(indices, distances, None),
            init="pca",
            random_state=stream(seed, "umap") % 2**32,
        )
        return model.fit_transform(flat)


def neighbours(base: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of `base` for each query in L2: indices (m, k) int64 and distances (m, k) float32."""
    import faiss

    index = faiss.IndexFlatL2(base.shape[1])
    index.add(base)
    squares, indices = index.search(queries, min(k, len(base)))
    return indices, np.sqrt(np.maximum(squares, 0))


def place(found: Map, train: TrainSplit, rows: np.ndarray) -> Map:
    """The map with further train rows added, each at the weighted mean of its nearest drawn images.

    These images were not part of the fit; weights are inverse distances in pixel space, as UMAP starts new points.
    """
    missing = np.setdiff1d(rows, found.rows)
    if not len(missing):
        return found
    base, queries = (np.ascontiguousarray(train.pixels(r).reshape(len(r), -1)) for r in (found.rows, missing))
    indices, distances = neighbours(base, queries, NEIGHBOURS)
    weights = 1 / (distances + 1e-6)
    xy = (found.xy[indices] * weights[..., None]).sum(1) / weights.sum(1, keepdims=True)
    xy = queries if found.true_space else xy
    return Map(
        xy=np.concatenate([found.xy, xy.astype(np.float32)]),
        rows=np.concatenate([found.rows, missing]),
        true_space=found.true_space,
    )


def principal(flat: np.ndarray) -> np.ndarray:
    """The first two principal components of (n, d) rows, zeros where there are none; (n, 2)."""
    centred = flat - flat.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    xy = np.zeros((len(flat), 2))
    width = min(2, len(s))
    xy[:, :width] = u[:, :width] * s[:width]
    return xy


def beating(call: Callable[[], T], total: int) -> Generator[Progress, None, T]:
    """Run a call that tells no progress in a thread, with a sign of life twice a second; return its result.

    Closing waits for the thread: a call cannot be stopped from outside, and must not outlive its run.
    """
    found: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            found.append(call())
        except BaseException as error:  # handed to the caller below
            errors.append(error)

    thread = threading.Thread(target=work, name="map", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(PULSE_S)
            yield Progress(stage="map", total=total, unit="images", note="laying out the map")
    finally:
        thread.join()
    if errors:
        raise errors[0]
    return found[0]


def _self_first(indices: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every image its own first neighbour at distance 0, also where duplicates were found before it."""
    indices, distances = indices.copy(), distances.copy()
    for row, found in enumerate(indices):
        at = np.flatnonzero(found == row)
        position = int(at[0]) if len(at) else len(found) - 1
        indices[row, 1 : position + 1] = found[:position].copy()
        distances[row, 1 : position + 1] = distances[row, :position].copy()
        indices[row, 0], distances[row, 0] = row, 0.0
    return indices, distances
