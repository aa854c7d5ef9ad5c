"""The kernel matrix and its closed-form reverse, block by block: one autograd Function for every layout.

A block holds about `BLOCK` pairs of positions. When the intermediate values of all blocks together are below
`KEPT_BYTES` they are kept for the reverse; otherwise each block is computed again there. So memory beside
inputs, matrix and gradients does not grow with the depth, nor with the number of images.
Cost per layer and pair of positions: about 10 elementary operations, an arctangent and, with convolution, 4 adds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from core.kernels.layout import Layout
from core.kernels.recursion import Lengths, Tape, relu, relu_reverse

BLOCK = 1 << 16  # pairs of positions per block: its arrays stay in a core's cache
GPU_BLOCK = 1 << 22  # an accelerator wants few large blocks
KEPT_BYTES = 32_000_000
TAPE_ARRAYS = 4  # per layer


@dataclass(frozen=True)
class Architecture:
    """What the kernel is of.

    depth     hidden ReLU layers
    bias_var  variance of the biases; weights have variance 2
    tangent   neural tangent kernel, or else the covariance kernel of the random network (NNGP)
    """

    layout: Layout
    depth: int
    bias_var: float
    tangent: bool


Kept = dict[tuple[int, int], list[Tape]]  # of each block, by its first row and column


def kernel_matrix(x: Tensor, z: Tensor | None, architecture: Architecture) -> Tensor:
    """(*left, f) and (*left, f) -> (n, m), differentiable in both; z None means x, with an exact diagonal."""
    wanted = torch.is_grad_enabled() and (x.requires_grad or (z is not None and z.requires_grad))
    matrix: Tensor = _Kernel.apply(x, z, architecture, wanted)
    return matrix


class _Kernel(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, z: Tensor | None, architecture: Architecture, wanted: bool) -> Tensor:
        n, m = x.shape[-2], (x if z is None else z).shape[-2]
        out = x.new_empty(n, m)
        kept: Kept | None = None
        if wanted and n * m * _tape_bytes(x, architecture) <= KEPT_BYTES:
            kept = {}
        with _full_precision(x):
            q_x = _lengths_by_layer(x, architecture)
            q_z = q_x if z is None else _lengths_by_layer(z, architecture)
            for rows, columns in _blocks(x, m, z is None, architecture.layout):
                block, tape = _forward(x, z, q_x, q_z, rows, columns, architecture, kept is not None)
                out[rows, columns] = block
                if z is None and rows != columns:
                    out[columns, rows] = block.T
                if kept is not None:
                    kept[rows.start, columns.start] = tape
        ctx.save_for_backward(x, z)
        ctx.architecture, ctx.kept = architecture, kept
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, z = ctx.saved_tensors
        with _full_precision(x):
            g_x, g_z = _Reverse(x, z, ctx.architecture, ctx.kept, ctx.needs_input_grad).run(grad)
        return g_x, g_z, None, None


class _Reverse:
    """Adds up, over the blocks, the sensitivities of products and of the q of every layer."""

    def __init__(
        self, x: Tensor, z: Tensor | None, architecture: Architecture, kept: Kept | None, needs: tuple[bool, ...]
    ) -> None:
        self.x, self.z, self.architecture, self.kept = x, z, architecture, kept
        self.need_x, self.need_z = needs[0], z is None or needs[1]
        self.q_x = _lengths_by_layer(x, architecture)
        self.q_z = self.q_x if z is None else _lengths_by_layer(z, architecture)
        self.g_x = torch.zeros_like(x)
        self.g_z = self.g_x if z is None else torch.zeros_like(z)
        self.g_qx = [torch.zeros_like(q.root) for q in self.q_x]
        self.g_qz = self.g_qx if z is None else [torch.zeros_like(q.root) for q in self.q_z]

    def run(self, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        same = self.z is None
        for rows, columns in _blocks(self.x, grad.shape[1], same, self.architecture.layout):
            g = grad[rows, columns]
            if same and rows != columns:
                g = g + grad[columns, rows].T
            self._block(rows, columns, g)
        g_x = self._finish(self.x, self.g_x, self.g_qx) if self.need_x else None
        g_z = self._finish(self.z, self.g_z, self.g_qz) if self.need_z and self.z is not None else None
        return g_x, g_z

    def _block(self, rows: slice, columns: slice, grad: Tensor) -> None:
        arc, layout = self.architecture, self.architecture.layout
        if self.kept is None:
            _, tape = _forward(self.x, self.z, self.q_x, self.q_z, rows, columns, arc, True)
        else:
            tape = self.kept[rows.start, columns.start]
        g_s = (grad / layout.per_pair(self.x.shape)).expand(tape[0].s.shape)
        g_t = g_s if arc.tangent else None
        for layer in reversed(range(arc.depth)):
            g_s, g_t, along = relu_reverse(tape[layer], g_s, g_t)
            if self.need_x:
                inverse = self.q_x[layer].inverse[..., rows]
                self.g_qx[layer][..., rows] += layout.gather(along, layout.left) * inverse.square() / 2
            if self.need_z:
                inverse = self.q_z[layer].inverse[..., columns]
                self.g_qz[layer][..., columns] += layout.gather(along, layout.right) * inverse.square() / 2
            if g_t is not None:
                g_s = g_s + g_t  # T starts each layer as S + w^2 k T, S included
            g_s = layout.mean3(g_s, layout.pair)
            g_t = layout.mean3(g_t, layout.pair) if g_t is not None and layer else None
        g_s = g_s * (2 / self.x.shape[-1])
        if self.need_x:
            self.g_x[..., rows, :] += layout.to_left(g_s, _rows(self.x if self.z is None else self.z, columns))
        if self.need_z:
            self.g_z[..., columns, :] += layout.to_right(g_s, _rows(self.x, rows))

    def _finish(self, x: Tensor, g_x: Tensor, g_q: list[Tensor]) -> Tensor:
        """Add what flows through q = 2 mean(x^2) + b^2 and its means to the gradient through products."""
        layout = self.architecture.layout
        total = g_q[-1]
        for earlier in reversed(g_q[:-1]):
            total = layout.mean3(total, layout.left) + earlier
        total = layout.mean3(total, layout.left)
        return g_x.addcmul_(x, total[..., None], value=4 / x.shape[-1])


def _forward(
    x: Tensor, z: Tensor | None, q_x: list[Lengths], q_z: list[Lengths], rows: slice, columns: slice,
    arc: Architecture, taped: bool,
) -> tuple[Tensor, list[Tape]]:  # fmt: skip
    """One block of the matrix (rows, columns), with the tape of each layer when asked for."""
    layout, twins = arc.layout, z is None and rows == columns
    s = layout.products(_rows(x, rows), _rows(x if z is None else z, columns)) * (2 / x.shape[-1])
    s = layout.mean3(s, layout.pair).add_(arc.bias_var)
    t = s if arc.tangent else None
    tape = []
    for layer in range(arc.depth):
        left, right = q_x[layer], q_z[layer]
        left = Lengths(left.root[..., rows], left.inverse[..., rows])
        right = Lengths(right.root[..., columns], right.inverse[..., columns])
        s, t, record = relu(layout, s, t, left, right, twins, taped)
        if record is not None:
            tape.append(record)
        if layer < arc.depth - 1:
            s = layout.mean3(s, layout.pair).add_(arc.bias_var)
            t = None if t is None else layout.mean3(t, layout.pair).add_(s)
    if layout.positions:
        s = s.mean(layout.positions)
        t = None if t is None else t.mean(layout.positions)
    s = s + arc.bias_var
    return (s if t is None else t + s), tape


def _lengths_by_layer(x: Tensor, arc: Architecture) -> list[Lengths]:
    """q = 2 mean(x^2) + b^2 before each layer, as Lengths of shape (*left)."""
    layout = arc.layout
    q = layout.mean3(x.square().sum(-1) * (2 / x.shape[-1]), layout.left) + arc.bias_var
    found = [Lengths.of(q)]
    for _ in range(arc.depth - 1):
        q = layout.mean3(q, layout.left) + arc.bias_var
        found.append(Lengths.of(q))
    return found


def _blocks(x: Tensor, m: int, same: bool, layout: Layout) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each block; with the same images on both sides only the upper triangle."""
    n = x.shape[-2]
    pairs = max(1, (BLOCK if x.device.type == "cpu" else GPU_BLOCK) // layout.per_pair(x.shape))
    if same:
        side = max(1, int(pairs**0.5))
        starts = range(0, n, side)
        for i in starts:
            for j in starts[i // side :]:
                yield slice(i, min(i + side, n)), slice(j, min(j + side, n))
        return
    width = min(m, pairs)
    height = max(1, pairs // max(1, width))
    for i in range(0, n, height):
        for j in range(0, m, width):
            yield slice(i, min(i + height, n)), slice(j, min(j + width, m))


def _rows(x: Tensor, rows: slice) -> Tensor:
    return x[..., rows, :]


def _tape_bytes(x: Tensor, arc: Architecture) -> int:
    """Bytes of tape for one pair of images."""
    return TAPE_ARRAYS * arc.depth * arc.layout.per_pair(x.shape) * x.element_size()


@contextmanager
def _full_precision(x: Tensor) -> Iterator[None]:
    """Keep TF32 out of the products: its ten bits would move neighbouring images together."""
    if x.device.type != "cuda":
        yield
        return
    before = torch.backends.cuda.matmul.fp32_precision
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.fp32_precision = before
