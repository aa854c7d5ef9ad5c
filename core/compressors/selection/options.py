"""Settings of the choices that need more than numpy. Light: read by pages."""

from typing import Literal, Self

from pydantic import model_validator

from core.types import Norm, Options, option


class MFC(Options):
    """Settings of minimal finite covering: exactly one of `ipc` and `radius`."""

    norm: Norm = option("L2", "norm of the balls; take the attack's own norm for the bound to hold")
    ipc: int | None = option(10, "centres per class; the radius is made small", unit="images", ge=1)
    radius: float | None = option(None, "radius of every ball; the centres are made few", unit="pixels in [0, 1]", ge=0)
    steps: int = option(300_000, "local search: exchanges of a centre per class", unit="exchanges", ge=0, advanced=True)
    rounds: int = option(100, "rounds of the lower bound; 0 for no bound and no proof", ge=0, advanced=True)
    nodes: int = option(200, "nodes of branch and bound per proof; 0 for none", ge=0, advanced=True)
    seconds: float = option(120.0, "time limit per class, a safety net; the record says when it struck",
                            unit="seconds", gt=0, advanced=True)  # fmt: skip
    shards: int = option(1, "parts that a class is covered in before its centres are chosen among theirs, for classes "
                            "too large for the memory; needs a radius", ge=1, le=10_000, advanced=True)  # fmt: skip
    memory: int = option(4000, "memory for distances", unit="MB", ge=50, advanced=True)

    @model_validator(mode="before")
    @classmethod
    def _radius_replaces_default(cls, data: object) -> object:
        """A radius alone is enough: the default of `ipc` steps back."""
        if isinstance(data, dict) and data.get("radius") is not None:
            return {"ipc": None, **data}
        return data

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.ipc is None) == (self.radius is None):
            raise ValueError(
                f"give exactly one of ipc and radius, got ipc={self.ipc} and radius={self.radius}; leave one empty"
            )
        if self.shards > 1 and self.radius is None:
            raise ValueError(f"shards need a radius, got {self.shards} shards and ipc={self.ipc}; give a radius")
        return self


class KCenter(Options):
    """Settings of k-center greedy."""

    ipc: int = option(10, "images per class; fewer where a class has fewer distinct images", unit="images", ge=1)
    norm: Norm = option("L2", "distance that the radius is measured in")


class Herding(Options):
    """Settings of herding."""

    ipc: int = option(10, "images per class; a class with fewer gives all it has", unit="images", ge=1)
    features: Literal["pixels", "network"] = option(
        "pixels", "what means are compared in; a network is drawn at random"
    )
    width: int = option(32, "channels of that network", ge=1, le=1024, advanced=True)
    depth: int = option(3, "blocks of that network", ge=1, le=5, advanced=True)


class Easy(Options):
    """Settings of EasyCore."""

    ipc: int = option(10, "images per class; a class with fewer gives all it has", unit="images", ge=1)
    rank: Literal["lowest", "middle", "highest"] = option(
        "lowest", "images whose loss changes least, middling or most with their pixels; the paper keeps the lowest"
    )
    ranking_epochs: int = option(
        10, "passes over the train split, after each of which gradients are taken", unit="epochs", ge=1, le=1000
    )
    batch: int = option(128, "images per step", unit="images", ge=1, le=65_536, advanced=True)
    lr: float = option(0.002, "learning rate of Adam", gt=0, le=10, advanced=True)
