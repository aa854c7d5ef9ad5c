"""The settings of a whole run: data, method, network, training, evaluation and one seed.

A `Choice` is a name in a table together with the full options of that row, defaults filled in, so
that a stored run says everything even when a default changes later.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

from pydantic import Field, SerializeAsAny, model_validator

from core.compressors import METHODS
from core.errors import ConfigError
from core.evaluation.options import EvaluationConfig
from core.networks import NETWORKS
from core.training import TRAINERS
from core.training.options import TrainingOptions
from core.types import DataConfig, NetworkOptions, Options, option

Row = TypeVar("Row", bound=Options)


class Choice(Options):
    """A name in a table with the options of that row; a bare name takes the defaults."""

    name: str
    options: SerializeAsAny[Options]

    TABLE: ClassVar[Mapping[str, Any]] = {}
    WHAT: ClassVar[str] = "choice"

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, value: Any) -> dict[str, Any]:
        value = {"name": value} if isinstance(value, str) else dict(value)
        name = value.pop("name", None)
        if name not in cls.TABLE:
            raise ConfigError(f"there is no {cls.WHAT} called {name!r}; there are: {', '.join(cls.TABLE)}")
        options = value.pop("options", {})
        if value:
            raise ConfigError(f"{cls.WHAT} takes a name and options, got also: {', '.join(map(str, value))}")
        wanted = cls.TABLE[name].Config
        if not isinstance(options, wanted):
            try:
                options = wanted(**options)
            except ConfigError as error:
                raise ConfigError(f"{cls.WHAT} {name}: {error}") from None
        return {"name": name, "options": options}

    @classmethod
    def of(cls, name: str, **options: Any) -> Self:
        values: dict[str, Any] = {"name": name, "options": options}
        return cls(**values)

    def known(self, Config: type[Row]) -> Row:
        """The options, where only a row with this Config can have been chosen."""
        assert isinstance(self.options, Config), f"{self.WHAT} {self.name} has other options than a {Config.__name__}"
        return self.options


class MethodChoice(Choice):
    """A condensation method with its options."""

    TABLE = METHODS
    WHAT = "method"


class NetworkChoice(Choice):
    """A network with its options."""

    options: SerializeAsAny[NetworkOptions]

    TABLE = NETWORKS
    WHAT = "network"


class TrainingChoice(Choice):
    """A way of training with its options."""

    options: SerializeAsAny[TrainingOptions]

    TABLE = TRAINERS
    WHAT = "training"


class RunConfig(Options):
    """Everything that decides what a run computes."""

    data: DataConfig = Field(default_factory=DataConfig)
    method: MethodChoice = Field(default_factory=lambda: MethodChoice.of("mfc"))
    network: NetworkChoice = Field(default_factory=lambda: NetworkChoice.of("convnet"))
    training: TrainingChoice = Field(default_factory=lambda: TrainingChoice.of("adversarial"))
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    seed: int = option(0, "seed of everything random in condensing, training and evaluating", ge=0)
    networks: int = option(
        1, "fresh networks trained on the condensed set; above 1 accuracies have a mean and a standard deviation",
        ge=1, le=20,
    )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values that `RunConfig(**values)` reads back to an equal value."""
        return self.model_dump(mode="json")


def too_wide(values: Mapping[str, Any]) -> str:
    """Why an attack in Linf has a larger budget than the way from black to white, or ""; it was meant in 255ths."""
    eps = values.get("eps")
    if values.get("norm") != "Linf" or not isinstance(eps, float) or eps <= 1:
        return ""
    meant = f": did you mean {eps:g}/255?" if eps <= 255 else ""
    return f"eps {eps:g} in Linf is beyond all images, whose pixels lie in [0, 1]{meant}"


def unsuited(settings: RunConfig) -> str:
    """Why no run can be made of these settings, though each of them is allowed, or ""."""
    for options in (settings.method.options, settings.training.options, settings.evaluation):
        if sentence := too_wide(options.model_dump()):
            return sentence
    if "brought" in METHODS[settings.method.name].takes.values() and settings.training.options.keep == "best":
        return (
            "a set that was made elsewhere may have seen every train image, so none is left to judge the best weights "
            "by: choose keep last"
        )
    able, network = TRAINERS[settings.training.name].networks, settings.network.name
    if able and network not in able:
        return (
            f"training {settings.training.name} needs a network whose layers pass intervals, and those of {network} do "
            f"not, as they normalise over pixels: choose {', '.join(able[:-1])} or {able[-1]}"
        )
    if able and settings.evaluation.norm != "Linf":
        return f"interval bounds are proven in Linf, got {settings.evaluation.norm}: choose Linf, or training smoothing"
    return ""
