"""Networks on their way to the limit: zero at the start, the sharpest curvature, and the kernel at the end."""

import pytest
import torch
from torch import Tensor, nn

from core.attacks import LOSSES
from core.errors import NumericsError
from core.kernels import FromZero, Kernel, KernelRegressor, centred, descend, sharpness
from core.networks.model import build


def images(n: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    source = torch.Generator().manual_seed(0)
    x = torch.rand(n, 1, 5, 5, generator=source)
    return x, torch.arange(n) % 3, x.mean(0)


def network(width: int, mean: Tensor, seed: int = 0) -> FromZero:
    return FromZero(build("ntk-mlp", {"width": width, "depth": 1}, (1, 5, 5), 3, [0.0], [1.0], seed=seed), mean)


def finish(work):
    try:
        while True:
            next(work)
    except StopIteration as stop:
        return stop.value


def test_it_starts_as_the_zero_function_and_only_the_network_is_trained():
    x, y, mean = images()
    model = network(32, mean)
    before = {name: value.clone() for name, value in model.start.state_dict().items()}
    assert torch.equal(model(x), torch.zeros(12, 3))
    finish(descend(model, x, y, LOSSES["mse"], curvature=2.0, steps=3, generator=torch.Generator().manual_seed(0)))
    assert model(x).abs().max() > 0
    assert all(torch.equal(value, before[name]) for name, value in model.start.state_dict().items())


def test_sharpness_is_the_largest_eigenvalue_of_the_empirical_kernel():
    x, _, mean = images(6)
    model = network(16, mean).double()
    rows = []
    for i in range(6):
        for c in range(3):
            grads = torch.autograd.grad(model(x.double())[i, c], list(model.network.parameters()))
            rows.append(torch.cat([grad.flatten() for grad in grads]))
    jacobian = torch.stack(rows)
    exact = float(torch.linalg.eigvalsh(jacobian @ jacobian.T)[-1])
    found = finish(sharpness(model, x.double(), torch.Generator().manual_seed(0)))
    assert 0.9 * exact <= found <= exact * (1 + 1e-9)


@pytest.mark.parametrize("loss, curvature", [("mse", 2.0), ("ce", 0.5)])
def test_the_loss_falls_from_that_of_the_zero_function(loss: str, curvature: float):
    x, y, mean = images()
    work = descend(
        network(256, mean), x, y, LOSSES[loss], curvature=curvature, steps=60,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    losses = [value for step, value in work if step]
    zero = float(LOSSES[loss](torch.zeros(12, 3), y).mean())
    assert len(losses) == 60 and losses[0] == pytest.approx(zero) and losses[-1] < 0.7 * zero


def test_a_wider_network_ends_nearer_to_the_kernel():
    """On unseen images the distance to kernel regression falls about like 1 / sqrt(width)."""
    x, y, mean = images()
    unseen = torch.rand(50, 1, 5, 5, generator=torch.Generator().manual_seed(9))
    kernel = KernelRegressor.fit(Kernel(depth=1), x, centred(y, 3), mean=mean, ridge=1e-9)
    errors = []
    for width in (64, 4096):
        model = network(width, mean)
        finish(descend(
            model, x, y, LOSSES["mse"], curvature=2.0, steps=1500, generator=torch.Generator().manual_seed(0)
        ))  # fmt: skip
        with torch.no_grad():
            errors.append(float((model(unseen) - kernel(unseen)).square().mean().sqrt()))
    assert errors[1] < 0.1 * float(kernel(unseen).square().mean().sqrt())
    assert errors[0] / errors[1] > 3


def test_a_diverging_loss_stops_with_a_sentence():
    x, y, mean = images()

    def broken(logits: Tensor, y: Tensor) -> Tensor:
        return logits.sum(1) * float("nan")

    with pytest.raises(NumericsError, match="not a finite number at rate"):
        finish(descend(
            network(8, mean), x, y, broken, curvature=2.0, steps=2, generator=torch.Generator().manual_seed(0)
        ))  # fmt: skip


def test_it_wraps_any_network():
    model = FromZero(nn.Sequential(nn.Flatten(), nn.Linear(25, 2)), torch.zeros(1, 5, 5))
    assert torch.equal(model(images()[0]), torch.zeros(12, 2))
