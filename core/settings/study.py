"""A study: the same question asked of several methods, budgets, seeds, trainings and attack radii.

A study is a plan and nothing else. Each of its cells is the full settings of one ordinary run, and a cell is done when
the store holds a finished run with those settings, whoever started it. So a study is resumed by asking what is missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from core.compressors import METHODS
from core.errors import ConfigError
from core.evaluation.options import EvaluationConfig
from core.settings import naming
from core.settings.flags import options
from core.settings.identity import Identity, identity
from core.settings.run import MethodChoice, NetworkChoice, RunConfig, TrainingChoice
from core.training import TRAINERS
from core.types import DataConfig, Norm, Options, option

REFERENCE = "full"
START_NETWORK = "small-cnn"
NETWORK = "network"  # the word before the dot of a change that goes to the network
FIELD = ("random", "k-means", "k-center", "mfc", "herding", "dm", "adv-kip")


class StudyOptions(Options):
    """What is compared, and how all of it is judged."""

    methods: tuple[str, ...] = option(FIELD, "condensation methods")
    ipc: tuple[int, ...] = option((10,), "images per class", unit="images")
    seeds: int = option(3, "repetitions, each with a seed of its own from 0 up", ge=1, le=20)
    networks: int = option(1, "fresh networks trained on each condensed set, whose mean counts; the reference has one",
                           ge=1, le=20)  # fmt: skip
    trainings: tuple[str, ...] = option(("standard", "warm-start"), "ways of training on each condensed set")
    norm: Norm = option("Linf", "norm of the attacks, in training and in judging")
    eps: tuple[float, ...] = option((0.1,), "attack radii; each is trained and judged on its own",
                                    unit="pixels in [0, 1]")  # fmt: skip
    epochs: int = option(150, "passes over the condensed images", unit="epochs", ge=1, le=100_000)
    full_epochs: int = option(10, "passes over the full train split, the reference", unit="epochs", ge=1, le=100_000)
    reference_seeds: int = option(1, "seeds of the reference, training on the full train split; 0 for none",
                                  ge=0, le=20)  # fmt: skip
    attack: Literal["autoattack", "strong"] = option("autoattack", "headline attack")
    attack_images: int = option(100, "test images under the headline attack", unit="images", ge=1)
    images: int = option(500, "test images for clean accuracy and PGD", unit="images", ge=1)
    attack_steps: int = option(40, "gradient steps of PGD", unit="steps", ge=1, le=1000)
    set: tuple[str, ...] = option((), "further options as NAME.OPTION=VALUE, NAME a method, a training or network")
    also: tuple[str, ...] = option((), "single cells besides, as METHOD:IPC:TRAINING:EPS")

    @field_validator("methods", "trainings", "ipc", "eps")
    @classmethod
    def _some_and_each_once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if not values or len(set(values)) < len(values):
            raise ConfigError(f"give at least one value and each only once, got {values}")
        if any(not isinstance(value, str) and value <= 0 for value in values):
            raise ConfigError(f"images per class and attack radii must be positive, got {values}")
        return values


class Study(StudyOptions):
    """A whole study: data, network and what is compared."""

    data: DataConfig = Field(default_factory=DataConfig)
    network: NetworkChoice = Field(default_factory=lambda: NetworkChoice.of(START_NETWORK))

    @model_validator(mode="after")
    def _every_cell_is_possible(self) -> Self:
        unknown = [name.partition(".")[0] for name in self.set]
        more = [(place.method, place.training) for place in self.places]
        known = {*self.methods, *self.trainings, NETWORK, *(name for pair in more for name in pair)}
        if wrong := [name for name in unknown if name not in known]:
            raise ConfigError(f"set names {', '.join(wrong)}, which is not in this study; there are: {sorted(known)}")
        plan(self)  # wrong names and options say so here, not hours later
        return self

    @property
    def places(self) -> tuple["Place", ...]:
        """The single cells besides the grid, each once."""
        found = dict.fromkeys(Place.of(text) for text in self.also)
        return tuple(place for place in found if not self.in_grid(place))

    def in_grid(self, place: "Place") -> bool:
        """Whether methods, budgets, trainings and radii have this one among their combinations."""
        return (
            place.method in self.methods
            and place.ipc in self.ipc
            and place.training in self.trainings
            and place.eps in self.eps
        )

    def has(self, place: "Place") -> bool:
        """Whether a cell stands at a place, done or not."""
        return self.in_grid(place) or place in self.places

    def with_place(self, place: "Place") -> Self:
        """The study with one cell more; itself where it has it already."""
        return self if self.has(place) else self.replace(also=(*self.also, str(place)))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values that `Study(**values)` reads back to an equal value."""
        return self.model_dump(mode="json")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a cell stands, whatever its seed; as a text METHOD:IPC:TRAINING:EPS."""

    method: str
    ipc: int
    training: str
    eps: float

    @classmethod
    def of(cls, text: str) -> Self:
        """The place that a text tells; ConfigError where it tells none."""
        try:
            method, ipc, training, eps = text.split(":")
            found = cls(method=method, ipc=int(ipc), training=training, eps=float(eps))
        except ValueError:
            raise ConfigError(f"also takes METHOD:IPC:TRAINING:EPS, such as mfc:5:standard:0.1, got {text!r}") from None
        if found.method == REFERENCE or found.ipc < 1 or not 0 < found.eps < inf:
            raise ConfigError(f"also takes a method with images per class and an eps above 0, got {text!r}")
        return found

    def __str__(self) -> str:
        return f"{self.method}:{self.ipc}:{self.training}:{self.eps!r}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell:
    """One run of a study.

    ipc  images per class, None for the reference
    """

    method: str
    ipc: int | None
    seed: int
    training: str
    eps: float
    settings: RunConfig

    @cached_property
    def values(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return self.settings.to_json()

    @property
    def identity(self) -> Identity:
        """What the store knows such a run by, with the data as they are now."""
        return identity(self.values)

    @property
    def digest(self) -> str:
        return self.identity.digest

    @property
    def condensing(self) -> str:
        """Equal for cells with the same condensed set."""
        best = (
            getattr(self.settings.training.options, "keep", "") == "best"
        )  # then images are held out of condensing, too
        return identity({name: self.values[name] for name in ("data", "method", "seed")} | {"held_out": best}).digest

    @property
    def model(self) -> str:
        """Equal for cells with the same trained network."""
        return identity({name: value for name, value in self.values.items() if name != "evaluation"}).digest

    @property
    def words(self) -> str:
        """The cell as a person would name it within its study: `Covering, 10 per class, Standard, ε 0.1, seed 0`."""
        size = [] if self.ipc is None else [f"{self.ipc} per class"]
        how = [naming.training(self.training), f"ε {self.eps:g}", f"seed {self.seed}"]
        return ", ".join([naming.method(self.method), *size, *how])


@lru_cache(maxsize=16)
def plan(study: Study) -> tuple[Cell, ...]:
    """Every cell, seed by seed, so that a first table is there early; cells that share work follow each other.

    The reference comes last within a seed: it takes longest.
    """
    return tuple(_plan(study))


def _plan(study: Study) -> Iterator[Cell]:
    for seed in range(study.seeds):
        for ipc in study.ipc:
            for method in study.methods:
                if method != REFERENCE:
                    yield from _cells(study, method, ipc, seed)
        for place in study.places:
            yield _cell(study, place.method, place.ipc, seed, place.training, place.eps)
        if seed < study.reference_seeds:
            yield from _cells(study, REFERENCE, None, seed)


def groups(study: Study) -> dict[str, list[Cell]]:
    """Cells by condensed set, in the order of the plan."""
    found: dict[str, list[Cell]] = {}
    for cell in plan(study):
        found.setdefault(cell.condensing, []).append(cell)
    return found


def _cells(study: Study, method: str, ipc: int | None, seed: int) -> Iterator[Cell]:
    for eps in study.eps:
        for training in study.trainings:
            yield _cell(study, method, ipc, seed, training, eps)


def _cell(study: Study, method: str, ipc: int | None, seed: int, training: str, eps: float) -> Cell:
    changes = _changes(study)
    settings = RunConfig(
        data=study.data,
        method=_method(study, method, ipc, eps, changes.get(method, {})),
        network=_network(study, changes.get(NETWORK, {})),
        training=_training(study, training, eps, ipc is None, changes.get(training, {})),
        evaluation=EvaluationConfig(**_evaluation(study, eps)),
        seed=seed,
        networks=1 if ipc is None else study.networks,
    )
    return Cell(method=method, ipc=ipc, seed=seed, training=training, eps=eps, settings=settings)


def _changes(study: Study) -> dict[str, dict[str, str]]:
    """`set` as NAME -> option -> text."""
    found: dict[str, dict[str, str]] = {}
    for text in study.set:
        path, equals, value = text.partition("=")
        name, dot, what = path.partition(".")
        if not (equals and dot and what):
            raise ConfigError(f"set takes NAME.OPTION=VALUE, such as mfc.norm=Linf, got {text!r}")
        found.setdefault(name, {})[what] = value
    return found


def _method(study: Study, name: str, ipc: int | None, eps: float, changes: Mapping[str, str]) -> MethodChoice:
    """A method at a budget; one that is robust by itself is made for the attack it will meet."""
    if name not in METHODS:
        raise ConfigError(f"there is no method called {name!r}; there are: {', '.join(METHODS)}")
    kind = METHODS[name].Config
    values: dict[str, Any] = {} if ipc is None else {"ipc": ipc}
    if {"eps", "norm"} <= set(kind.model_fields):
        values |= {"eps": eps, "norm": study.norm}
    return MethodChoice.of(name, **(values | options(changes, kind, stage="method")))


def _network(study: Study, changes: Mapping[str, str]) -> NetworkChoice:
    chosen = study.network
    kind = type(chosen.options)
    return NetworkChoice.of(chosen.name, **(chosen.options.model_dump() | options(changes, kind, stage="network")))


def _training(study: Study, name: str, eps: float, reference: bool, changes: Mapping[str, str]) -> TrainingChoice:
    if name not in TRAINERS:
        raise ConfigError(f"there is no way of training called {name!r}; there are: {', '.join(TRAINERS)}")
    kind = TRAINERS[name].Config
    values: dict[str, Any] = {"epochs": study.full_epochs if reference else study.epochs}
    if "eps" in kind.model_fields:
        values |= {"eps": eps, "norm": study.norm}
    return TrainingChoice.of(name, **(values | options(changes, kind, stage="training")))


def _evaluation(study: Study, eps: float) -> dict[str, Any]:
    """The headline attack on few images; clean accuracy and PGD, as the two ends of a curve, on more."""
    return {
        "norm": study.norm, "eps": eps, "attack": study.attack, "attack_steps": study.attack_steps,
        "images": study.attack_images, "curve_points": 2, "curve_end": eps, "curve_images": study.images,
        "live_images": 0,
    }  # fmt: skip
