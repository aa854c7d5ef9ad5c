"""Instance norm, ReLU and 2×2 average pool of a ConvNet block in one pass over each plane, for the CPU.

One plane of 28×28 pixels fits the innermost cache, so what PyTorch does in six passes over memory, forward and back,
takes two here; half of a ConvNet's time goes into these passes, the other half into its convolutions. Values and
gradients equal those of the plain operations up to rounding (tests/networks/test_fused.py). Where the gradient itself
is to be differentiated, as in gradient matching, the plain operations are used. Planes are shared out among as many
threads as PyTorch has.
Cost: compiling takes a few seconds, once per installation.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

ZERO, QUARTER = np.float32(0), np.float32(0.25)


class Blocks(nn.Sequential):
    """Layers in a row, of which every norm with the ReLU and the pooling after it is one operation where that pays."""

    def forward(self, x: Tensor) -> Tensor:
        layers = iter(self)
        for layer in layers:
            if isinstance(layer, nn.GroupNorm) and fits(x):
                next(layers), next(layers)  # ReLU and pooling
                x = NormReluPool.apply(x.contiguous(), layer.weight, layer.bias, layer.eps)
            else:
                x = layer(x)
        return x


def fits(x: Tensor) -> bool:
    """Whether the one operation can take this input: float32 on the CPU, outside of function transforms and exports."""
    if torch.compiler.is_compiling():  # also while a graph is exported, which the compiled passes cannot be part of
        return False
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and min(x.shape) > 0
    return plain and not torch._C._functorch.is_functorch_wrapped_tensor(x) and not torch.is_autocast_enabled("cpu")


def slow(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """The same in PyTorch's own operations; (n, c, h, w) -> (n, c, h // 2, w // 2)."""
    normed = nn.functional.group_norm(x, x.shape[1], weight, bias, eps)
    return nn.functional.avg_pool2d(torch.relu(normed), 2)


class NormReluPool(torch.autograd.Function):
    """pool(relu(norm(x))) of a contiguous x, with one group per channel and a closed-form gradient."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        n, c, h, w = x.shape
        out, mean, scale = torch.empty(n, c, h // 2, w // 2), torch.empty(n * c), torch.empty(n * c)
        arrays: list[Any] = [part.detach().numpy() for part in (x, weight, bias, out, mean, scale)]
        _share(partial(_forward, *[*arrays, np.float32(eps)]), n * c)
        ctx.save_for_backward(x, weight, bias, mean, scale)
        ctx.eps = eps
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, mean, scale = ctx.saved_tensors
        wanted = [part for part, needed in zip((x, weight, bias), ctx.needs_input_grad, strict=False) if needed]
        if torch.is_grad_enabled():  # somebody will differentiate this gradient
            found = iter(torch.autograd.grad(slow(x, weight, bias, ctx.eps), wanted, grad, create_graph=True))
            return *(next(found) if needed else None for needed in ctx.needs_input_grad[:3]), None
        n, c = x.shape[:2]
        dx, dw, db = torch.zeros_like(x), torch.empty(n, c), torch.empty(n, c)
        arrays = [part.detach().numpy() for part in (x, weight, bias, mean, scale, grad.contiguous(), dx, dw, db)]
        _share(partial(_backward, *arrays), n * c)
        return dx, dw.sum(0), db.sum(0), None


def _share(work: Callable[[int, int], None], planes: int) -> None:
    """Do planes first..last-1 in as many threads as PyTorch has."""
    threads = min(torch.get_num_threads(), planes)
    if threads == 1:
        work(0, planes)
        return
    ends = [planes * i // threads for i in range(threads + 1)]
    for _ in _pool(threads).map(work, ends[:-1], ends[1:]):
        pass


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="planes")


@njit(fastmath=True, cache=True, nogil=True)
def _forward(x, weight, bias, out, mean, scale, eps, first, last):  # pragma: no cover - compiled
    n, c, h, w = x.shape
    size, flat, row = h * w, x.reshape(n * c, h * w), np.empty(w, np.float32)
    for k in range(first, last):
        plane, i, j = flat[k], k // c, k % c
        total = ZERO
        for p in range(size):
            total += plane[p]
        centre, spread = total / np.float32(size), ZERO
        for p in range(size):
            spread += (plane[p] - centre) ** 2
        unit = np.float32(1) / np.sqrt(spread / np.float32(size) + eps)
        mean[k], scale[k] = centre, unit
        a = unit * weight[j]
        b = bias[j] - centre * a
        for r in range(h // 2):
            upper, lower, target = plane[2 * r * w : (2 * r + 1) * w], plane[(2 * r + 1) * w :], out[i, j, r]
            for q in range(w):
                row[q] = max(a * upper[q] + b, ZERO) + max(a * lower[q] + b, ZERO)
            for q in range(w // 2):
                target[q] = QUARTER * (row[2 * q] + row[2 * q + 1])


@njit(fastmath=True, cache=True, nogil=True)
def _backward(x, weight, bias, mean, scale, grad, dx, dw, db, first, last):  # pragma: no cover - compiled
    n, c, h, w = x.shape
    size, row = h * w, np.zeros(w, np.float32)
    flat, found = x.reshape(n * c, h * w), dx.reshape(n * c, h * w)
    for k in range(first, last):
        plane, into, i, j, centre, unit = flat[k], found[k], k // c, k % c, mean[k], scale[k]
        a = unit * weight[j]
        b = bias[j] - centre * a
        total, along = ZERO, ZERO
        for r in range(h // 2):
            for q in range(w // 2):
                row[2 * q] = row[2 * q + 1] = QUARTER * grad[i, j, r, q]
            for half in range(2):
                start = (2 * r + half) * w
                here, there = plane[start : start + w], into[start : start + w]
                for q in range(w):
                    value = row[q] if a * here[q] + b > ZERO else ZERO
                    there[q] = value
                    total += value
                    along += value * (here[q] - centre)
        along *= unit
        dw[i, j], db[i, j] = along, total
        level, slope = a * total / np.float32(size), a * unit * along / np.float32(size)
        for p in range(size):
            into[p] = a * into[p] - level - slope * (plane[p] - centre)
