"""The settings of a whole run: data, method, network, training, evaluation and one seed.

A `Choice` is a name in a table together with the full options of that row, defaults filled in, so
that a stored run says everything even when a default changes later.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, SerializeAsAny, model_validator

from core.compressors import METHODS
from core.errors import ConfigError
from core.evaluation.evaluate import Config as EvaluationConfig
from core.networks import NETWORKS
from core.training import TRAINERS
from core.types import DataConfig, Options, option

# Settings that came after runs had been stored, with what those runs did: digests of old and new runs stay comparable
LATE: Mapping[str, Any] = {"start": "", "augment": "off", "networks": 1, "precision": "auto"}


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
        return cls(name=name, options=options)


class MethodChoice(Choice):
    """A condensation method with its options."""

    TABLE = METHODS
    WHAT = "method"


class NetworkChoice(Choice):
    """A network with its options."""

    TABLE = NETWORKS
    WHAT = "network"


class TrainingChoice(Choice):
    """A way of training with its options."""

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

    @property
    def digest(self) -> str:
        """16 hex digits that are equal for equal settings."""
        return digest(_without_late(self.to_json()))


def _without_late(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings at any depth without the late ones that are as they were before they could be set."""
    return {
        name: _without_late(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if name not in LATE or value != LATE[name]
    }


def digest(values: Mapping[str, Any]) -> str:
    """16 hex digits of JSON values, whatever the order of their names."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def data_digest(config: DataConfig) -> str:
    """The digest of a data set's settings; for a file also of its size and time, so that a changed file is new."""
    path = Path(config.name)
    stamp = [path.stat().st_size, path.stat().st_mtime_ns] if path.exists() else []
    return digest({**config.model_dump(mode="json"), "stamp": stamp})
