"""A 2-D map of the train images: UMAP on exact faiss neighbours, or the data's own two dimensions.

UMAP keeps neighbours together; distances, sizes and gaps on it mean little, so memberships are computed
in pixel space (`core.maps.members`), never on the map. Neighbours are handed over precomputed, the start
is PCA and the seed is fixed: equal images give an equal map. faiss is here because its neighbours are exact and need
no matrix of all distances; UMAP's own are approximate.
Source: McInnes et al. 2018, arXiv:1802.03426. Cost: 2-5 s for 5,000 images on one core, and about 6 s
more for the first map of a process, which compiles.
"""

import threading
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import faiss
import numpy as np

from core.events import Progress, Work
from core.types import TrainSplit, drawn_part, only_train, stream

SAMPLE = 10_000  # images drawn at most
NEIGHBOURS = 15
FEW = 20  # below this many images neighbours mean nothing and principal components are drawn
BLOCK, ROUNDS = 8, 6  # of the principal components: directions sought at once, and how often they are turned
PULSE_S = 0.5
USUAL, PRINCIPAL, OWN = "UMAP", "PCA", "own"  # how coordinates came about
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Map:
    """xy (n, 2) float32 of the train rows `rows` (n,) int64; `true_space` when xy are the pixels themselves."""

    xy: np.ndarray
    rows: np.ndarray
    true_space: bool
    projection: str = USUAL


def embed(train: TrainSplit, *, seed: int = 0, sample: int = SAMPLE) -> Work[Map]:
    """Lay out the train images, or a stratified sample of `sample` of them, in two dimensions.

    yields   Progress with stage "map"; a fit tells no progress, so done is 0 until it ends
    returns  Map; pixel coordinates when an image has exactly two values
    """
    only_train(train)
    if (plane := own(train, seed=seed, sample=sample)) is not None:
        yield Progress(stage="map", done=len(plane.rows), total=len(plane.rows), unit="images")
        return plane
    rows, flat = _drawn(train, seed, sample)
    if len(rows) < FEW:
        found = quick(train, seed=seed, sample=sample)
    else:
        xy = yield from beating(lambda: fit(flat, seed), len(rows))
        found = Map(xy=xy.astype(np.float32), rows=rows, true_space=False)
    yield Progress(stage="map", done=len(rows), total=len(rows), unit="images")
    return found


def own(train: TrainSplit, *, seed: int = 0, sample: int = SAMPLE) -> Map | None:
    """The pixels themselves where an image has exactly two values, of the rows that `embed` draws; else None."""
    only_train(train)
    if train.x[0].size != 2:
        return None
    rows, flat = _drawn(train, seed, sample)
    return Map(xy=flat.astype(np.float32), rows=rows, true_space=True, projection=OWN)


def quick(train: TrainSplit, *, seed: int = 0, sample: int = SAMPLE) -> Map:
    """The first two principal components of the rows that `embed` draws: there at once."""
    only_train(train)
    rows, flat = _drawn(train, seed, sample)
    return Map(xy=principal(flat).astype(np.float32), rows=rows, true_space=False, projection=PRINCIPAL)


def _drawn(train: TrainSplit, seed: int, sample: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that a map shows, with their pixels (n, d)."""
    rows = drawn_part(train.y, sample, seed)
    return rows, np.ascontiguousarray(train.pixels(rows).reshape(len(rows), -1))


def fit(flat: np.ndarray, seed: int) -> np.ndarray:
    """UMAP of (n, d) float32 rows, n >= FEW; (n, 2)."""
    indices, distances = _self_first(*neighbours(flat, flat, NEIGHBOURS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no Tensorflow; one job because of the seed; no transform without an index
        import umap  # here, since it takes five seconds and most runs find their map in the cache

        model = umap.UMAP(
            n_neighbors=NEIGHBOURS,
            precomputed_knn=(indices, distances, None),
            init="pca",
            random_state=stream(seed, "umap") % 2**32,
        )
        return model.fit_transform(flat)


def neighbours(base: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of `base` for each query in L2: indices (m, k) int64 and distances (m, k) float32."""
    index = faiss.IndexFlatL2(base.shape[1])
    index.add(base)
    squares, indices = index.search(queries, min(k, len(base)))
    return indices, np.sqrt(np.maximum(squares, 0))


def place(found: Map, train: TrainSplit, rows: np.ndarray) -> Map:
    """The map with further train rows added, each at the weighted mean of its nearest drawn images.

    These images were not part of the fit; weights are inverse distances in pixel space, as UMAP starts new points.
    """
    only_train(train)
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
        projection=found.projection,
    )


def principal(flat: np.ndarray) -> np.ndarray:
    """The first two principal components of (n, d) rows, zeros where there are none; (n, 2).

    By subspace iteration (Halko et al. 2011, arXiv:0909.4061), a second at most for 10,000 colour images.
    """
    centred = flat - flat.mean(0)
    basis = np.random.default_rng(0).normal(size=(centred.shape[1], min(BLOCK, *centred.shape)))
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(centred.T @ (centred @ basis))
    u, s, _ = np.linalg.svd(centred @ basis, full_matrices=False)
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
