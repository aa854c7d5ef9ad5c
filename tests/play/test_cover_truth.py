"""Optimal covers, nearest points, networks and k-means in the browser against the core and against brute force."""

from itertools import combinations

import numpy as np
import pytest
import torch

from core import api
from core.covering.distances import Metric
from core.covering.fixed_budget import cover_budget
from core.covering.solve import Effort
from tests.play.conftest import Ask, Scene

pytestmark = pytest.mark.browser

NORMS = ("Linf", "L2", "L1")
COVER = """{ let last; for (last of coverClass(Float64Array.from(xy), norm, k));
  return [last.centres, radiusOf(last.key, norm), radiusOf(last.low, norm), last.proven]; }"""


def distances(a: np.ndarray, b: np.ndarray, norm: str) -> np.ndarray:
    order = {"Linf": np.inf, "L2": 2, "L1": 1}[norm]
    return np.linalg.norm(a[:, None] - b[None], ord=order, axis=2)


def rows_of(toy: str, label: int) -> np.ndarray:
    train = api.plane.toys()[toy]["train"]
    return np.float32(train["xy"]).astype(np.float64).reshape(-1, 2)[np.asarray(train["y"]) == label]


@pytest.mark.parametrize("toy", api.plane.TOYS)
@pytest.mark.parametrize(("norm", "k"), [("Linf", 5), ("L2", 3), ("L2", 8), ("L1", 12)])
def test_covers_are_as_small_as_pythons_proven_ones(js: Ask, toy: str, norm: str, k: int):
    rows, metric = rows_of(toy, 1), Metric(norm, 0)
    *_, step = cover_budget(rows, metric, k, Effort(), 0)
    assert step.proven
    centres, radius, low, proven = js(COVER, xy=rows.ravel(), norm=norm, k=k)
    assert proven and radius == low == pytest.approx(metric.radius(step.key), abs=1e-12)
    assert len(centres) <= k
    assert distances(rows, rows[centres], norm).min(1).max() == pytest.approx(radius, abs=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(4))
def test_small_covers_equal_brute_force(js: Ask, norm: str, seed: int):
    generator = np.random.default_rng(seed)
    rows, k = generator.integers(0, 6, (9, 2)) / 8, 1 + seed % 4  # a coarse grid: ties and duplicates
    all_pairs = distances(rows, rows, norm)
    best = min(all_pairs[:, chosen].min(1).max() for chosen in combinations(range(9), k))
    _, radius, _, proven = js(COVER, xy=rows.ravel(), norm=norm, k=k)
    assert proven and radius == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_nearest_point_is_safe_as_far_as_it_says(js: Ask, norm: str):
    scene = Scene(50, m=9, n=25)
    model = "new NearestPoint(Float64Array.from(s), Uint8Array.from(ys), classes)"
    found = js(f"Array.from(safeRadii({model}, x, y, norm))", **scene.values(norm=norm))
    dual = {"Linf": "L1", "L2": "L2", "L1": "Linf"}[norm]
    for x, label, safe in zip(scene.points, scene.y, found, strict=True):
        square = ((x - scene.support) ** 2).sum(1)
        apart = distances(scene.support, scene.support, dual)
        own, other = np.flatnonzero(scene.y_s == label), np.flatnonzero(scene.y_s != label)
        expected = max(min((square[b] - square[a]) / (2 * apart[a, b]) for b in other) for a in own)
        assert safe == pytest.approx(expected, abs=1e-12)
        assert (safe > 0) == (scene.y_s[square.argmin()] == label)
    code = f"""y.map((label, i) => {{ const model = {model}, [a, b] = x.slice(2 * i, 2 * i + 2);
      const eps = 0.999 * model.safe(a, b, label, norm);
      return eps <= 0 || !attackPoint(model, a, b, label, {{ norm, eps }}).broken; }})"""
    assert all(js(code, **scene.values(norm=norm)))


def test_two_points_are_safe_up_to_the_middle(js: Ask):
    code = "new NearestPoint([0.2, 0.5, 0.8, 0.5], [0, 1], 2).safe(0.3, 0.5, 0, norm)"
    assert js(code, norm="L2") == pytest.approx(0.2)


def test_network_gradients_are_torchs(js: Ask, lift: float):
    spread = js("SPREAD")
    scene, width = Scene(60, classes=2), 6
    code = """{ const n = new Network(width, classes, mean, 3); n.W.set(W); n.V.set(V);
      const { loss, gW, gV } = n.gradient(x, Uint8Array.from(y)), grad = [0, 0];
      n.value(x[0], x[1]); n.pullback([0.3, -0.7], grad);
      return [loss, Array.from(gW), Array.from(gV), Array.from(n.value(x[0], x[1])), grad]; }"""
    generator = np.random.default_rng(6)
    W, V = torch.tensor(generator.normal(size=(width, 3))), torch.tensor(generator.normal(size=(2, width)))
    loss, g_w, g_v, value, grad = js(code, **scene.values(width=width, W=W.ravel(), V=V.ravel()))
    W.requires_grad_(), V.requires_grad_()
    x = torch.tensor(np.column_stack([scene.points - scene.mean, np.full(len(scene.points), lift)])).requires_grad_()
    out = ((x @ W.T) * (2 / 3) ** 0.5 / spread).relu() @ V.T * (2 / width) ** 0.5
    targets = torch.nn.functional.one_hot(torch.tensor(scene.y), 2) - 0.5
    expected = (out - targets).square().sum(1).mean()
    grads = torch.autograd.grad(expected, (W, V), retain_graph=True)
    (first,) = torch.autograd.grad((out[0] * torch.tensor([0.3, -0.7])).sum(), x)
    assert loss == pytest.approx(expected.item(), abs=1e-10)
    np.testing.assert_allclose(g_w, grads[0].ravel(), atol=1e-10)
    np.testing.assert_allclose(g_v, grads[1].ravel(), atol=1e-10)
    np.testing.assert_allclose(value, out[0].detach(), atol=1e-10)
    np.testing.assert_allclose(grad, first[0, :2], atol=1e-10)


def test_a_wide_network_trained_long_comes_near_its_kernel(js: Ask):
    """The limit that the width slider ends in; a narrow network is farther from it."""
    scene = Scene(70, m=4, classes=2)
    scene.support = np.array([[0.2, 0.2], [0.8, 0.25], [0.75, 0.8], [0.2, 0.75]])
    code = """{ const support = { xy: Float64Array.from(s), labels: Uint8Array.from(ys) };
      const kernel = new KernelRegressor(support.xy, support.labels, classes, 1, mean);
      return widths.map((width) => { const t = new Training(width, classes, mean, 1, support);
        while (t.left) t.advance(support, "standard", { eps: 0 }, 0);
        return Math.sqrt(y.reduce((sum, _, i) => sum + (t.network.value(x[2 * i], x[2 * i + 1])[0]
          - kernel.value(x[2 * i], x[2 * i + 1])[0]) ** 2 / y.length, 0)); }); }"""
    narrow, wide = js(code, **scene.values(widths=[8, 4096]))
    assert wide < 0.05 and narrow > 0.1


def test_a_round_of_k_means_is_lloyds(js: Ask):
    scene = Scene(80, m=4, n=30, classes=2)
    code = "{ const c = Float64Array.from(s); const moved = meansRound(c, ys, x, y); return [Array.from(c), moved]; }"
    found, moved = js(code, **scene.values())
    expected = scene.support.copy()
    for label in (0, 1):
        own, centres = scene.points[scene.y == label], np.flatnonzero(scene.y_s == label)
        owner = distances(own, scene.support[centres], "L2").argmin(1)
        for place, centre in enumerate(centres):
            if (owner == place).any():
                expected[centre] = own[owner == place].mean(0)
    assert moved
    np.testing.assert_allclose(np.reshape(found, (-1, 2)), expected, atol=1e-12)
