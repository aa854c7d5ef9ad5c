"""Kernel, regression, attacks and KIP in the browser equal the Python core on fixed points, in float64."""

import numpy as np
import pytest
import torch
from torch import Tensor

from core.attacks import pgd
from core.compressors.kernel import regression
from core.kernels import Kernel, centred, fc_ntk
from tests.play.conftest import Ask, Scene

pytestmark = pytest.mark.browser

MODEL = "new KernelRegressor(Float64Array.from(s), Uint8Array.from(ys), classes, depth, mean)"
NORMS = ("Linf", "L2", "L1")


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_kernel_and_its_gradient(js: Ask, lift: float, depth: int):
    scene = Scene(depth)
    scene.support[0] = scene.points[0]  # a pair of twins: angle 0
    scene.support[1] = scene.points[1] + 1e-7  # and one almost
    rows, others = (
        scene.lifted(p, lift).flatten(1) - torch.tensor([*scene.mean, 0.0]) for p in (scene.points, scene.support)
    )
    rows.requires_grad_()
    expected = fc_ntk(rows, others, depth)
    found = js("Array.from(kernelMatrix(lift(x, mean), lift(s, mean), depth))", **scene.values(depth=depth))
    far = np.ones(expected.shape, bool)
    far[0, 0] = far[1, 1] = False  # there the angle from a cosine has only half of the digits
    difference = np.abs(np.reshape(found, expected.shape) - expected.detach().numpy())
    assert difference[far].max() < 1e-9 and difference.max() < 1e-7
    assert found[0] == pytest.approx(2 / 3 * float(rows[0].detach() @ rows[0].detach()) * (depth + 1), abs=1e-12)

    weights = torch.tensor(np.random.default_rng(1).normal(size=expected.shape))
    weights[0, 0] = weights[1, 1] = 0
    (gradient,) = torch.autograd.grad((expected * weights).sum(), rows)
    code = """{ const a = lift(x, mean), b = lift(s, mean), out = new Float64Array(2 * a.n), table = kappaTable(depth);
      w.forEach((row, i) => row.forEach((weight, j) => addKernelGradient(out, a, i, b, j, weight, depth, table)));
      return Array.from(out); }"""
    found = js(code, **scene.values(depth=depth, w=weights))
    np.testing.assert_allclose(np.reshape(found, (-1, 2)), gradient[:, :2], rtol=0, atol=1e-9)


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_table_equals_the_recursion_everywhere(js: Ask, depth: int):
    code = """{ const table = kappaTable(depth); let value = 0, slope = 0;
      for (let i = 1; i < 20000; i++) {
        const t = i / 20000, exact = kappa(1 - 2 * t * t, depth), at = kappaAt(t, depth, table);
        value = Math.max(value, Math.abs(at.value - exact.value));
        slope = Math.max(slope, Math.abs(at.bend + exact.slope) * Math.min(1, t));
      } return [value, slope]; }"""
    value, slope = js(code, depth=depth)
    assert value < 1e-9 and slope < 2e-8  # near t = 0 it is the recursion that loses digits


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_regression_and_its_gradient(js: Ask, lift: float, depth: int):
    scene = Scene(10 + depth)
    x = torch.tensor(scene.points).reshape(-1, 1, 1, 2).requires_grad_()
    expected = scene.regressor(depth, lift)(x)
    weights = torch.tensor(np.random.default_rng(2).normal(size=expected.shape))
    (gradient,) = torch.autograd.grad((expected * weights).sum(), x)
    code = f"""{{ const model = {MODEL}, grad = [0, 0];
      return y.map((_, i) => {{ const out = Array.from(model.value(x[2 * i], x[2 * i + 1]));
        model.pullback(w[i], grad); return [out, [...grad]]; }}); }}"""
    found = js(code, **scene.values(depth=depth, w=weights))
    np.testing.assert_allclose([f for f, _ in found], expected.detach(), rtol=0, atol=1e-8)
    np.testing.assert_allclose([g for _, g in found], gradient.reshape(-1, 2), rtol=0, atol=1e-8)


def margin_ends(scene: Scene, model, norm: str, eps: float) -> Tensor:
    x = torch.tensor(scene.points).reshape(-1, 1, 1, 2)
    return pgd(
        model, x, torch.tensor(scene.y), norm=norm, eps=eps, steps=20, loss="margin", random_start=False
    )  # fmt: skip


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("eps", [0.0, 0.02, 0.1, 0.4])
def test_pgd_ends_where_pythons_does(js: Ask, lift: float, norm: str, eps: float):
    scene, depth = Scene(20), 3
    scene.y[:15] = np.asarray(scene.regressor(depth, lift)(torch.tensor(scene.points).reshape(-1, 1, 1, 2)).argmax(1))[
        :15
    ]
    model = scene.regressor(depth, lift)
    expected = margin_ends(scene, model, norm, eps)
    broken = model(expected).argmax(1) != torch.tensor(scene.y)
    code = f"""{{ const r = attackAll({MODEL}, x, Uint8Array.from(y), {{ norm, eps }});
      return [Array.from(r.ends), Array.from(r.broken), r.clean, r.robust]; }}"""
    ends, flags, clean, robust = js(code, **scene.values(depth=depth, norm=norm, eps=eps))
    np.testing.assert_allclose(np.reshape(ends, (-1, 2)), expected.reshape(-1, 2), rtol=0, atol=1e-8)
    assert flags == broken.int().tolist() and robust == len(flags) - sum(flags) <= clean
    if eps == 0.4:
        assert robust < clean  # the scene is one in which the attack finds something


@pytest.mark.parametrize("norm", NORMS)
def test_inner_attack_on_the_squared_error(js: Ask, lift: float, norm: str):
    scene, depth, eps, steps = Scene(30), 2, 0.08, 10
    x = torch.tensor(scene.points).reshape(-1, 1, 1, 2)
    first = torch.tensor(np.random.default_rng(3).uniform(-eps, eps, x.shape))
    expected = pgd(
        scene.regressor(depth, lift), x, centred(torch.tensor(scene.y), 3), norm=norm, eps=eps, steps=steps, loss="mse",
        start=first, random_start=False, keep="last",
    )  # fmt: skip
    code = f"Array.from(attackSquared({MODEL}, x, Uint8Array.from(y), {{ norm, eps, steps }}, start))"
    found = js(code, **scene.values(depth=depth, norm=norm, eps=eps, steps=steps, start=(x + first).ravel()))
    np.testing.assert_allclose(np.reshape(found, (-1, 2)), expected.reshape(-1, 2), rtol=0, atol=1e-8)


def finished(work):
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return stop.value


@pytest.mark.parametrize("depth", [1, 3])
def test_kip_gradient(js: Ask, lift: float, depth: int):
    scene, kernel = Scene(40 + depth), Kernel(depth=depth)
    x_s, x, mean = scene.lifted(scene.support, lift), scene.lifted(scene.points, lift), scene.centre
    targets = centred(torch.tensor(scene.y), 3)
    solution = finished(regression.fit(kernel, x_s, centred(torch.tensor(scene.y_s), 3), mean, 1e-6))
    loss, gradient, _ = finished(regression.loss_and_gradient(kernel, x_s, solution, x, targets, mean))
    code = f"{{ const r = kipGradient({MODEL}, x, Uint8Array.from(y)); return [r.loss, Array.from(r.grad)]; }}"
    found_loss, found = js(code, **scene.values(depth=depth))
    assert found_loss == pytest.approx(float(loss), abs=1e-8)
    scale = float(gradient.abs().max())
    np.testing.assert_allclose(
        np.reshape(found, (-1, 2)), gradient.reshape(-1, 3)[:, :2], rtol=0, atol=1e-8 * max(1, scale)
    )


def test_adam_is_torchs(js: Ask):
    generator = np.random.default_rng(5)
    start, gradients = generator.uniform(0.3, 0.7, 6), generator.normal(size=(5, 6))
    x = torch.tensor(start)
    adam = torch.optim.Adam([x], lr=0.01)
    for gradient in gradients:
        x.grad = torch.tensor(gradient)
        adam.step()
    code = """{ const xy = Float64Array.from(start), adam = new Adam(6, 0.01);
      gradients.forEach((g) => adam.move(xy, g, 1)); return Array.from(xy); }"""
    np.testing.assert_allclose(js(code, start=start, gradients=gradients), x, rtol=0, atol=1e-12)
