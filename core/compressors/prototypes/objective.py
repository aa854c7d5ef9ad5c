"""How far real images are from being proven by a set of prototypes, as a loss on the prototypes.

For an own prototype a and a foreign b, g = b - a and t = (|x - b|^2 - |x - a|^2) / 2, b cannot become nearer than a
within eps and the box exactly when t > max g . d over the moves d allowed (core.certificates). The violation of a pair
is that maximum minus t, divided by eps |g|_q, the most that g . d could be: without the box it is 1 - r_ab / eps, so
one unit is one eps. An image's violation is the largest over foreign of the smallest over own ones, of which only the
few that matter most are looked at. The best move depends on the prototypes, but its own change adds nothing to the
gradient of a maximum, so it is held fixed. Sources: Saralajew et al. 2020 (NeurIPS); Voracek & Hein 2022,
arXiv:2207.07208; the box and the choice of pairs are ours.
"""

import torch
from torch import Tensor

from core.types import Norm

OWN, FOREIGN = (
    2,
    1,
)  # prototypes looked at for each image; with 3 foreign ones a step costs twice as much, for 0.3 points
FAR = 1e9  # instead of infinity, which times 0 is no number
SMALL = 1e-12
FILLINGS = 6  # rounds in which pixels that are full are found, for L2


def violation(x: Tensor, y: Tensor, prototypes: Tensor, labels: Tensor, norm: Norm, eps: float) -> Tensor:
    """(n,) violations: an image is proven at eps where it is below 0, as far as the pairs looked at tell.

    x           (n, d) real images in [0, 1], y (n,) their classes, each of which has a prototype
    prototypes  (m, d), which the gradient is for; labels (m,), of two classes at least
    """
    own, foreign = _pairs(x, y, prototypes.detach(), labels, norm)
    a, b = prototypes[own][:, :, None], prototypes[foreign][:, None]
    g, centred = b - a, x[:, None, None] - (a + b) / 2
    with torch.no_grad():
        move = farthest(x[:, None, None], g, norm, eps)
    reached = (g * (move + centred)).sum(-1)  # g . d - t
    found = reached / (eps * _dual(g, norm).clamp_min(1e-6))
    missing = (labels[own] != y[:, None])[:, :, None]  # a class with fewer than OWN
    absent = (labels[foreign] == y[:, None])[:, None]
    found = found.masked_fill(missing, FAR).masked_fill(absent, -FAR)
    return found.amin(1).amax(1)


def _pairs(x: Tensor, y: Tensor, prototypes: Tensor, labels: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
    """The nearest own prototypes (n, <= OWN), and the foreign ones whose boundary is nearest (n, <= FOREIGN)."""
    with torch.no_grad():
        away = x.square().sum(1, keepdim=True) + prototypes.square().sum(1) - 2 * x @ prototypes.T
        mine = y[:, None] == labels
        near, own = away.masked_fill(~mine, FAR).topk(min(OWN, len(labels)), largest=False)
        apart = torch.cdist(prototypes, prototypes, p={"Linf": 1.0, "L2": 2.0, "L1": float("inf")}[norm])
        radius = (away[:, None] - near[:, :, None]) / apart[own].clamp_min(1e-6)
        least = radius.amax(1).masked_fill(mine, FAR)
        return own, least.topk(min(FOREIGN, len(labels)), largest=False).indices


def _dual(g: Tensor, norm: Norm) -> Tensor:
    if norm == "Linf":
        return g.abs().sum(-1)
    if norm == "L2":
        return g.square().sum(-1).clamp_min(SMALL).sqrt()
    return g.abs().amax(-1)


def farthest(x: Tensor, g: Tensor, norm: Norm, eps: float) -> Tensor:
    """The move within eps and the box that goes farthest along g; see core.certificates.line.

    x        (..., d) in [0, 1]; g (..., d)
    returns  (..., d); for L2 at most eps long, and shorter where more than FILLINGS rounds would be needed
    """
    room, size = torch.where(g > 0, 1 - x, x), g.abs()
    if norm == "Linf":
        return g.sign() * room.clamp(max=eps)
    if norm == "L1":
        order = size.argsort(-1, descending=True)
        sorted_room = room.gather(-1, order)
        before = sorted_room.cumsum(-1) - sorted_room
        filled = torch.minimum((eps - before).clamp_min(0), sorted_room)
        return g.sign() * torch.zeros_like(room).scatter(-1, order, filled)
    rate = eps / size.square().sum(-1, keepdim=True).clamp_min(SMALL).sqrt()
    for _ in range(FILLINGS):
        full = rate * size >= room
        used, free = (room.square() * full).sum(-1, keepdim=True), (size.square() * ~full).sum(-1, keepdim=True)
        rate = torch.maximum(rate, ((eps * eps - used).clamp_min(0) / free.clamp_min(SMALL)).sqrt())
    return g.sign() * torch.minimum(rate * size, room)
