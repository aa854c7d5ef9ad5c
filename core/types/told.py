"""What a method tells of its condensed set besides the arrays: bounds, gaps, losses, what it was learned with."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import DataError

Numbers = tuple[int | float | None, ...]


class Values(BaseModel):
    """Base of named values that are stored as flat JSON: frozen, and exactly what was given comes back.

    A name that was not given reads as its default and is not written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values from which `read` makes an equal value."""
        return self.model_dump(mode="json", exclude_unset=True)

    @classmethod
    def read(cls, values: Any) -> Self:
        """The value of stored JSON.

        raises  DataError that names what does not fit
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise DataError(f"{where} of stored values does not fit: {first['msg']}, got {first['input']!r}") from None


class Told(Values):
    """Known entries; a method of one's own may tell more, which is kept as it is.

    Lists are by class, None for a class without images. Radii in pixel units of [0, 1].
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    # covers: sizes, bounds below what is reached, and how far above them it is
    k_per_class: tuple[int, ...] = ()
    radius_per_class: Numbers = ()
    lower_bound_k: int | float | None = None
    lower_bound_radius: float | None = None
    lower_bound_per_class: Numbers = ()
    gap: float | None = None
    gap_per_class: Numbers = ()
    proven: bool | None = None
    proven_per_class: tuple[bool | None, ...] = ()
    optimal: str = ""
    time_limit_struck: bool | None = None
    seconds_distances: float | None = None
    # selections and clusters
    features: str = ""
    mean_distance: float | None = None
    inertia: float | None = None
    gradient: float | None = None
    rank: str = ""
    # matching: the distance at the last step, and of trajectories the learning rate that was learned with the images
    loss: float | None = None
    lr_student: float | None = None
    # kernels: what the set was learned with, and how kernel regression on it does on held-out train images
    kernel: str = ""
    kernel_family: str | None = None
    kernel_depth: int | None = None
    kernel_bias_std: float | None = None
    kernel_readout: str | None = None
    ridge: float | None = None
    live_attack: str = ""
    jitter: float | None = None
    alpha_max: float | None = None
    contrast: float | None = None
    kernel_clean_acc: float | None = None
    kernel_robust_acc: float | None = None
    # prototypes: what the nearest of them proves on held-out train images
    certified_norm: str | None = None
    certified_eps: float | None = None
    held_out: int | None = None
    nearest_clean_acc: float | None = None
    certified_acc: float | None = None
    # robust features and relabelled images: means over images
    feature_distance: float | None = None
    feature_distance_start: float | None = None
    source_fooled: float | None = None
    mean_perturbation: float | None = None
    largest_perturbation: float | None = None
    own_label: float | None = None
    # where stored inputs came from
    start: str = ""
    start_method: str = ""
    source: str = ""
    source_network: str = ""
    source_training: str = ""
    source_epochs: int | None = None
    source_norm: str | None = None
    source_eps: float | None = None
    experts: str = ""
    experts_network: str = ""
    experts_training: str = ""
    experts_count: int | None = None
    experts_epochs: int | None = None

    def with_more(self, **values: Any) -> Self:
        """A copy that tells these as well."""
        return type(self).read({**self.to_json(), **values})
