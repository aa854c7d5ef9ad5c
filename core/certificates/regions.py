"""Where in the unit square the nearest-neighbour classifier is proven at eps: regions as polygons, not as samples.

A point x of the square is proven for class c when for every foreign centre b some own centre a is out of b's reach
(core.certificates.nearest). Where b is within reach of every own centre, x lies in

  P_b = intersection over own a of { x : max over moves d with |d|_p <= eps of g . d > t_ab(x) }

with g = b - a and t_ab(x) = (|x - b|^2 - |x - a|^2) / 2, which is affine. The region of c is the square less all P_b.
Where moves may leave the square the maximum is eps |g|_q, so each set is a half-plane and P_b convex. Where they must
stay in it, the maximum is the least of a few affine functions, so P_b is convex still:

  Linf  either coordinate by eps or by its room                4 half-planes
  L1    eps m + sum of room_i max(|g_i| - m, 0), m in |g|, 0   3 half-planes

In L2 that would be an arc: there moves may leave the square, so near its sides a little more is proven than is drawn.
Numpy only, because the page process draws them. Cost: a clip for each class, foreign and own centre, and for each
polygon that a later one touches; a tenth of a second for 20 centres.
"""

import numpy as np

from core.types.data import Norm

Polygon = np.ndarray  # (k, 2) corners in order, convex
SQUARE: Polygon = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
SLIVER = 1e-14  # area below which a polygon is nothing
SAME = 1e-9  # corners no farther apart are one


def regions(x: np.ndarray, y: np.ndarray, norm: Norm, eps: float) -> dict[int, list[Polygon]]:
    """The proven region of each class that has a centre, as convex polygons that do not overlap.

    x        (m, 2) centres in the square
    y        (m,) int their classes
    returns  label -> polygons; at eps 0 together they are the square
    """
    points = np.asarray(x, np.float64).reshape(-1, 2)
    found = {}
    for label in np.unique(y).tolist():
        own = points[y == label]
        parts = [SQUARE]
        for b in points[y != label]:
            reached = _reached(own, b, norm, eps)
            if len(reached):
                parts = [rest for part in parts for rest in minus(part, reached)]
        found[label] = parts
    return found


def _reached(own: np.ndarray, b: np.ndarray, norm: Norm, eps: float) -> Polygon:
    """Points from which b may become nearer than every own centre: P_b."""
    polygon = SQUARE
    for a in own[np.argsort(((own - b) ** 2).sum(1))]:
        if not len(polygon):
            break
        if not (b - a).any():
            continue  # never nearer than its twin, and never farther: a tie counts as wrong
        for normal, level in _planes(a, b, norm, eps, polygon):
            polygon = clip(polygon, normal, level)
    return polygon


def _planes(a: np.ndarray, b: np.ndarray, norm: Norm, eps: float, within: Polygon) -> list[tuple[np.ndarray, float]]:
    """Half-planes normal . x >= level whose intersection is where b is in reach of a."""
    g = b - a
    size = np.abs(g)
    level = ((b**2).sum() - (a**2).sum()) / 2  # t = level - g . x
    planes = [(g, level - eps * {"Linf": size.sum(), "L2": np.sqrt((g**2).sum()), "L1": size.max()}[norm])]
    if norm == "L2" or not len(within) or (within.min() >= eps and within.max() <= 1 - eps):
        return planes
    for free, u in _multipliers(g, norm):  # the maximum is at most eps * free + u . room, room_i = 1 - x_i or x_i
        up = g > 0
        planes.append((g + np.where(up, -u, u), level - eps * free - u[up].sum()))
    return planes


def _multipliers(g: np.ndarray, norm: Norm) -> list[tuple[float, np.ndarray]]:
    """Pairs (dual norm of |g| - u, u), 0 <= u <= |g|, besides u = 0."""
    size = np.abs(g)
    if norm == "Linf":
        chosen = [size * np.array(which) for which in ((1, 0), (0, 1), (1, 1))]
        return [(float((size - u).sum()), u) for u in chosen]
    return [(m, np.maximum(size - m, 0)) for m in (float(size.min()), 0.0)]


def clip(polygon: Polygon, normal: np.ndarray, level: float) -> Polygon:
    """The part of a convex polygon where normal . x >= level; else empty, (0, 2) (Sutherland & Hodgman)."""
    if not len(polygon):
        return polygon
    over = polygon @ normal - level
    if (over >= 0).all():
        return polygon
    corners: list[np.ndarray] = []
    for here, there, at, to in zip(polygon, np.roll(polygon, -1, 0), over, np.roll(over, -1), strict=True):
        if at >= 0:
            corners.append(here)
        if (at > 0 > to) or (at < 0 < to):
            corners.append(here + (there - here) * (at / (at - to)))
    found = np.array(corners).reshape(-1, 2)
    if len(found):  # a corner that lies on the plane may come twice, and an edge without length has no inside
        found = found[np.abs(found - np.roll(found, 1, 0)).max(1) > SAME]
    return found if len(found) > 2 and area(found) > SLIVER else np.empty((0, 2))


def minus(polygon: Polygon, hole: Polygon) -> list[Polygon]:
    """A convex polygon without a convex hole, corners counter-clockwise, as convex polygons that do not overlap."""
    parts, rest = [], polygon
    for here, there in zip(hole, np.roll(hole, -1, 0), strict=True):
        inward = np.array([here[1] - there[1], there[0] - here[0]])
        level = float(inward @ here)
        outside = clip(rest, -inward, -level)
        rest = clip(rest, inward, level)
        if not len(rest):
            return [polygon]  # not touched: it stays whole
        if len(outside):
            parts.append(outside)
    return parts


def area(polygon: Polygon) -> float:
    """Area of a polygon whose corners are in counter-clockwise order."""
    x, y = polygon.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)
