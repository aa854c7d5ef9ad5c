"""The proven plane is drawn as it is computed: every polygon closed, areas that add up, points by class."""

import numpy as np

from core.certificates.regions import regions
from core.plots import proven_plane


def test_every_polygon_is_drawn_closed_and_nothing_else():
    rng = np.random.default_rng(0)
    x, y = rng.random((7, 2)), np.array([0, 1, 0, 1, 1, 0, 1])
    says, proven = regions(x, y, "L2", 0.0), regions(x, y, "L2", 0.05)
    assert abs(proven_plane.share(says) - 1) < 1e-9 and 0 < proven_plane.share(proven) < 1
    figure = proven_plane.figure(x, y, says, proven, ("a", "b"))
    drawn = {trace.name: trace for trace in figure.data}
    assert list(drawn) == [f"{name}, {what}" for name in "ab" for what in ("said", "proven", "condensed")]
    strips = np.split(np.c_[drawn["a, proven"].x, drawn["a, proven"].y], np.flatnonzero(np.isnan(drawn["a, proven"].x)))
    strips = [strip[~np.isnan(strip[:, 0])] for strip in strips][:-1]
    assert all(np.array_equal(strip[:-1], part) and np.array_equal(strip[-1], part[0])
               for strip, part in zip(strips, proven[0], strict=True))  # fmt: skip
    assert drawn["a, said"].fill == "toself" and drawn["a, said"].opacity < drawn["a, proven"].opacity
    nothing = proven_plane.figure(x, y, says, regions(x, y, "L2", 2.0), ("a", "b"))
    assert "a, proven" not in {trace.name for trace in nothing.data} and len(drawn["b, condensed"].x) == 4
