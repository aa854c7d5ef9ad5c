"""Run a long library call so that it can be left in the middle.

The call runs in its own thread and reaches the model through a `Door`. Between two looks the
generator yields; closing it shuts the door, so the call ends at its next forward pass.
"""

import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")
LOOK_EVERY = 0.2  # seconds


class _Left(Exception):
    """Ends the call inside the library; never leaves this module."""


class _InputGradient(torch.autograd.Function):
    """A model as one operation whose gradient goes to the images only, never to what it closes over."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, logits: Callable[[Tensor], Tensor]) -> Tensor:
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            out = ctx.out = logits(ctx.x)
        return out.detach()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return torch.autograd.grad(ctx.out, ctx.x, grad, retain_graph=True)[0], None


class Door(nn.Module):
    """A function from images to logits in the shape a library expects of a network.

    queries  images judged so far
    shut     when set, the next forward pass raises
    crop     (h, w): images arrive padded at the bottom and right and are cut to this before judging
    """

    def __init__(self, logits: Callable[[Tensor], Tensor], device: torch.device) -> None:
        super().__init__()
        self._logits = (logits,)  # in a tuple, so that the network does not become a part of this module
        self.anchor = nn.Parameter(torch.zeros((), device=device), requires_grad=False)
        self.queries = 0
        self.shut = threading.Event()
        self.crop: tuple[int, int] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.shut.is_set():
            raise _Left
        self.queries += len(x)
        if self.crop:
            x = x[..., : self.crop[0], : self.crop[1]]
        if torch.is_grad_enabled() and x.requires_grad:
            out: Tensor = _InputGradient.apply(x, self._logits[0])
            return out
        with torch.no_grad():
            return self._logits[0](x).clone()


def interruptible(call: Callable[[], T], door: Door) -> Generator[None, None, T]:
    """Yield about five times a second until `call` is done, then return its result or raise its error."""
    result: list[T] = []
    failure: list[BaseException] = []
    done = threading.Event()

    def body() -> None:
        try:
            result.append(call())
        except BaseException as error:
            failure.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=body, name="attack", daemon=True)
    thread.start()
    try:
        while not done.wait(LOOK_EVERY):
            yield
    finally:
        if not done.is_set():
            door.shut.set()
        thread.join()
    if failure:
        raise failure[0]
    return result[0]
