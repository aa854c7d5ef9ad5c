"""Leave a model and the random state as they were, whatever happens in between.

Attack libraries reseed torch, leave models in another mode and gradients behind, most of all after
an exception. Everything that attacks a model does so inside `untouched`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def untouched(model: Callable[[Tensor], Tensor] | nn.Module) -> Iterator[None]:
    """Hold a model frozen and in eval mode, then restore it and torch's global random state.

    Restored on every way out (return, exception, generator close): each module's train/eval mode,
    each parameter's requires_grad and .grad, and the random state of the CPU and of every started
    accelerator. A callable that is not a Module has no such state; only the random state is kept.
    """
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [module.training for module in modules]
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
    flags = [(p.requires_grad, p.grad) for p in parameters]
    random_state = _random_state()
    try:
        for module in modules:
            module.training = False
        for p in parameters:
            p.requires_grad_(False)
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode
        for p, (requires_grad, grad) in zip(parameters, flags, strict=True):
            p.requires_grad_(requires_grad)
            p.grad = grad
        _restore(random_state)


def _random_state() -> tuple[Tensor, list[Tensor] | None, Tensor | None]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    return torch.get_rng_state(), cuda, mps


def _restore(state: tuple[Tensor, list[Tensor] | None, Tensor | None]) -> None:
    cpu, cuda, mps = state
    torch.set_rng_state(cpu)
    if cuda is not None:
        torch.cuda.set_rng_state_all(cuda)
    if mps is not None:
        torch.mps.set_rng_state(mps)
