"""Augmentation: what each change does to known images, its gradient, its range, and that a draw repeats."""

import pytest
import torch

from core.errors import ConfigError
from core.networks import augment as augmenting
from core.networks.augment import KINDS, Change, augment, draw, usual

MIDDLE = torch.full((1, 3), 0.5)


def images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(3))


def numbers(n: int) -> torch.Tensor:
    return torch.rand(n, 3, generator=torch.Generator().manual_seed(4))


def change(kind: str, *row: float) -> Change:
    return Change(kind=kind, numbers=torch.tensor([row], dtype=torch.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_shape_range_and_images_that_do_not_see_each_other(kind: str) -> None:
    x, u = images(6, 3, 9, 12), numbers(6)
    whole = augment(x, Change(kind=kind, numbers=u))
    assert whole.shape == x.shape and whole.dtype == x.dtype and whole.min() >= 0 and whole.max() <= 1
    single = torch.cat([augment(x[i : i + 1], Change(kind=kind, numbers=u[i : i + 1])) for i in range(6)])
    torch.testing.assert_close(whole, single)
    shared = augment(x, Change(kind=kind, numbers=u[:1]))
    torch.testing.assert_close(shared, augment(x, Change(kind=kind, numbers=u[:1].repeat(6, 1))))
    assert (whole - x).abs().max() > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_finite_differences(kind: str) -> None:
    x = (0.4 + 0.2 * images(2, 3, 5, 5)).double().requires_grad_()
    gentle = Change(kind=kind, numbers=0.5 + 0.1 * numbers(2))  # far from where colours are clipped
    assert torch.autograd.gradcheck(lambda x: augment(x, gentle), x)


def test_shift_moves_by_whole_pixels_and_black_comes_in() -> None:
    x = images(1, 1, 8, 8)
    most = augment(x, change("shift", 0.999, 0.0, 0.0))  # down and left by one of eight
    assert torch.equal(most[:, :, 1:, :-1], x[:, :, :-1, 1:]) and most[:, :, 0].max() == most[:, :, :, -1].max() == 0
    assert torch.equal(augment(x, Change(kind="shift", numbers=MIDDLE)), x)


def test_no_rotation_no_scaling_and_mirroring_twice_give_the_image_back() -> None:
    x = images(2, 3, 7, 10)
    torch.testing.assert_close(augment(x, Change(kind="rotate", numbers=MIDDLE)), x, rtol=0, atol=1e-5)
    one = (1 - 1 / augmenting.SCALE) / (augmenting.SCALE - 1 / augmenting.SCALE)
    torch.testing.assert_close(augment(x, change("scale", one, one, 0.0)), x, rtol=0, atol=1e-5)
    mirror = change("flip", 0.2, 0.0, 0.0)
    assert torch.equal(augment(x, mirror), x.flip(3)) and torch.equal(augment(augment(x, mirror), mirror), x)
    assert torch.equal(augment(x, change("flip", 0.7, 0.0, 0.0)), x)


def test_a_quarter_turn_is_torch_rot90(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmenting, "ROTATE", torch.pi / 2)
    x = images(1, 1, 6, 6)
    turned = augment(x, change("rotate", 1.0, 0.0, 0.0))
    assert min((turned - x.rot90(k, (2, 3))).abs().max() for k in (1, 3)) < 1e-4


def test_rotation_of_an_oblong_image_keeps_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmenting, "ROTATE", torch.pi / 2)
    x = torch.zeros(1, 1, 9, 17)
    x[0, 0, 4, 8 - 3] = 1  # three pixels left of the centre
    turned = augment(x, change("rotate", 1.0, 0.0, 0.0))[0, 0]
    row, column = divmod(int(turned.argmax()), 17)
    assert column == 8 and abs(row - 4) == 3 and turned.max() > 0.99


def test_cutout_blackens_a_quarter_around_the_middle() -> None:
    cut = augment(torch.ones(1, 1, 8, 8), Change(kind="cutout", numbers=MIDDLE))
    assert (cut == 0).sum() == 16 and cut[0, 0, 2:6, 2:6].max() == 0


def test_colour_keeps_grey_images_grey() -> None:
    x = images(4, 1, 5, 5).expand(-1, 3, -1, -1)
    out = augment(x, Change(kind="colour", numbers=numbers(4)))
    torch.testing.assert_close(out[:, 0], out[:, 2])


def test_usual_kinds_mirror_colour_images_only() -> None:
    assert "flip" not in usual((1, 28, 28)) and "flip" in usual((3, 32, 32))
    with pytest.raises(ConfigError, match="at least 4×4 pixels, got 1×2"):
        usual((1, 1, 2))


def test_draws_repeat_and_reach_every_kind() -> None:
    source, again = (torch.Generator().manual_seed(1) for _ in range(2))
    drawn = [draw(usual((3, 32, 32)), 5, source) for _ in range(60)]
    repeated = [draw(usual((3, 32, 32)), 5, again) for _ in range(60)]
    assert {one.kind for one in drawn} == set(usual((3, 32, 32))) and drawn[0].numbers.shape == (5, 3)
    assert all(a.kind == b.kind and torch.equal(a.numbers, b.numbers) for a, b in zip(drawn, repeated, strict=True))
    with pytest.raises(ConfigError, match="no augmentation 'blur'"):
        augment(images(1, 1, 5, 5), change("blur", 0, 0, 0))
