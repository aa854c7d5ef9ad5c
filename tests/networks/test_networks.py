"""Networks: shapes, seeded weights, normalisation first, storing and restoring, reference weights."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import ConfigError
from core.networks import NETWORKS
from core.networks.model import build, capture, restore
from core.networks.statistics import channel_statistics
from core.types import TrainSplit

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 13, 20)]
SMALL = {"resnet18": {"width": 8}, "convnet": {"width": 8}, "mlp": {"width": 16}, "ntk-mlp": {"width": 16}}
WORK = Path(__file__).resolve().parents[2].parent


def make(name, shape=(1, 8, 8), seed=0, n_classes=10, **options):
    options = {**SMALL.get(name, {}), **options}
    return build(name, options, shape, n_classes, [0.3] * shape[0], [0.2] * shape[0], seed=seed)


def images(shape, n=3):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_and_features_have_the_shapes_promised(name, shape):
    network = make(name, shape, n_classes=7)
    x = images(shape)
    logits = network(x)
    assert logits.shape == (3, 7)
    assert logits.isfinite().all()
    features = network.features(x)
    assert features.ndim == 2
    torch.testing.assert_close(network.head(features), logits)
    assert (logits[0] - logits[1]).abs().max() > 1e-6
    torch.testing.assert_close(network(x[:1]), logits[:1], rtol=1e-4, atol=1e-5)  # no image sees another


@pytest.mark.parametrize("name", NETWORKS)
def test_every_pixel_reaches_the_logits(name):
    x = images((1, 8, 8), 2).requires_grad_()
    (grad,) = torch.autograd.grad(make(name)(x).square().sum(), x)
    assert (grad != 0).float().mean() > 0.9


@pytest.mark.parametrize("name", NETWORKS)
def test_two_dimensional_toys_work_or_are_refused_in_a_sentence(name):
    refusal = NETWORKS[name].Config().refuse((1, 1, 2))
    if refusal:
        assert "1×2" in refusal and "mlp" in refusal
        with pytest.raises(ConfigError, match=re.escape(refusal)):
            make(name, (1, 1, 2))
    else:
        assert make(name, (1, 1, 2), n_classes=2)(images((1, 1, 2))).shape == (3, 2)
    assert bool(refusal) != (name in ("mlp", "ntk-mlp"))


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_same_bytes_and_the_global_random_state_stays(name):
    before = torch.get_rng_state()
    first, again, other = make(name, seed=3), make(name, seed=3), make(name, seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    assert all(tensor.isfinite().all() for tensor in first.state_dict().values())


def test_default_weights_have_the_spread_of_pytorch():
    network = make("mlp", (1, 28, 28), width=400)
    bound = 1 / 28
    weight = network.body[1].weight
    assert weight.abs().max() <= bound
    assert float(weight.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.01)


@pytest.mark.parametrize("name", NETWORKS)
def test_normalisation_is_the_first_layer(name):
    plain = build(name, SMALL.get(name, {}), (3, 32, 32), 10, [0.0] * 3, [1.0] * 3, seed=0).eval()
    mean, std = [0.1, 0.5, 0.9], [0.5, 0.25, 2.0]
    normalised = build(name, SMALL.get(name, {}), (3, 32, 32), 10, mean, std, seed=0).eval()
    x = images((3, 32, 32))
    z = (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
    torch.testing.assert_close(normalised(x), plain(z))


@pytest.mark.parametrize("name", NETWORKS)
def test_capture_and_restore_give_the_same_logits_in_eval_mode(name):
    network = make(name)
    network.train()
    network(images((1, 8, 8)))  # moves batch statistics where there are any
    value = capture(network, kept="last", epoch=5)
    back = restore(value)
    assert not back.training
    assert (value.network, value.epoch, value.kept, value.shape) == (name, 5, "last", (1, 8, 8))
    x = images((1, 8, 8))
    assert torch.equal(back(x), network.eval()(x))
    with torch.no_grad():
        next(network.parameters()).add_(1)
    assert torch.equal(restore(value)(x), back(x)), "the value must not follow the network"


def test_resnet_with_batch_norm_restores_its_statistics():
    network = make("resnet18", norm="batch")
    network(images((1, 8, 8), 6))
    back = restore(capture(network, kept="last", epoch=1))
    assert torch.equal(back(images((1, 8, 8))), network.eval()(images((1, 8, 8))))


def test_convnet_pads_28_to_32_and_keeps_128_wide_features_of_the_reference():
    network = make("convnet", (1, 28, 28), width=128)
    assert network.features(images((1, 28, 28))).shape == (3, 2048)
    assert make("convnet", (3, 32, 32), width=128).features(images((3, 32, 32))).shape == (3, 2048)


def test_group_norm_of_the_convnet_is_instance_norm():
    layer = next(m for m in make("convnet").body if isinstance(m, torch.nn.GroupNorm))
    x = torch.rand(4, 8, 6, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(layer(x), torch.nn.functional.instance_norm(x))


def test_ntk_parametrisation_keeps_the_size_of_logits_at_any_width():
    x = images((1, 8, 8), 1)
    spread = [
        np.std([make("ntk-mlp", seed=s, width=width, depth=1)(x).detach().numpy() for s in range(60)])
        for width in (64, 1024)
    ]
    z = (x - 0.3) / 0.2
    expected = float((2 * z.square().mean()).sqrt())  # weight variance 2 keeps the mean square through ReLU
    assert spread == pytest.approx([expected, expected], rel=0.12)


def test_unknown_names_settings_and_wrong_statistics_are_refused():
    with pytest.raises(ConfigError, match=r"'vgg' is unknown; choose one of: mlp, convnet"):
        build("vgg", {}, (1, 8, 8), 10, [0], [1], seed=0)
    with pytest.raises(ConfigError, match="widht is not a setting here"):
        build("mlp", {"widht": 3}, (1, 8, 8), 10, [0], [1], seed=0)
    with pytest.raises(ConfigError, match="one value for each of 3 channels"):
        build("mlp", {}, (3, 8, 8), 10, [0], [1], seed=0)


def test_channel_statistics_equal_numpy_and_a_constant_channel_is_not_scaled():
    x = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 5), dtype=np.uint8)
    x[:, 2] = 51
    mean, std = channel_statistics(TrainSplit(x=x, y=np.zeros(50, np.int64)))
    pixels = x.astype(np.float64) / 255
    np.testing.assert_allclose(mean, pixels.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std[:2], pixels.std((0, 2, 3))[:2], rtol=1e-6)
    assert std[2] == 1.0


@pytest.mark.parametrize("tag", ["std_Linf_0.1", "at_Linf_0.3"])
def test_reference_weights_give_the_reference_clean_flags(tag):
    reference, data = WORK / "shared" / "reference" / "autoattack.npz", WORK / "shared" / "data" / "mnist.npz"
    if not (reference.exists() and data.exists()):
        pytest.skip("needs shared/reference/autoattack.npz and shared/data/mnist.npz beside the checkout")
    stored, mnist = np.load(reference), np.load(data)
    network = build("small-cnn", {}, (1, 28, 28), 10, [0.0], [1.0], seed=0).eval()
    prefix = f"{tag.split('_')[0]}_weights_f."
    places = {"0": "body.0", "2": "body.2", "5": "body.5", "7": "head"}
    for key in (k for k in stored if k.startswith(prefix)):
        layer, kind = key.removeprefix(prefix).split(".")
        network.get_parameter(f"{places[layer]}.{kind}").data.copy_(torch.from_numpy(stored[key]))
    x = torch.from_numpy(mnist["x_test"][:300].reshape(-1, 1, 28, 28).astype(np.float32) / 255)
    right = network(x).argmax(1).numpy() == mnist["y_test"][:300]
    np.testing.assert_array_equal(right, stored[f"{tag}_clean"])
