"""Settings as frozen values that describe themselves.

A `Config` is a subclass of `Options`. Its fields carry a one-line help, a unit and bounds; the form
in the browser, the command line, the README table and the stored run all read them from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import ConfigError


def option(
    default: Any,
    help: str,
    *,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    step: float | None = None,
    advanced: bool = False,
    filled: bool = False,
    formerly: str | None = None,
) -> Any:
    """Declare one setting of a Config.

    help      one line, no full stop, shown beside the widget and in --help
    unit      "images", "pixels in [0, 1]", ...; "" for pure numbers and choices
    ge, le, gt  bounds, checked on construction and used as slider ends
    step      slider step
    advanced  shown folded away
    filled    may be left empty: a validator of the Config puts a value in its place, so that a Config has no None
    formerly  the name under which older versions stored it; read, never written
    """
    extra: dict[str, Any] = {"unit": unit, "step": step, "advanced": advanced, "filled": filled}
    return Field(default, description=help, ge=ge, le=le, gt=gt, json_schema_extra=extra, validation_alias=formerly)


@dataclass(frozen=True)
class OptionInfo:
    """What a form or a command line needs to know of one field."""

    name: str
    type: type
    default: Any
    help: str
    unit: str
    minimum: float | None
    maximum: float | None
    step: float | None
    choices: tuple[str, ...]
    optional: bool
    advanced: bool


class Options(BaseModel):
    """Base of every Config: frozen, keyword-only, strict about names, hashable."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, validate_by_name=True,
        validate_by_alias=True,
    )  # fmt: skip

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ConfigError(_sentence(error, type(self))) from None

    def replace(self, **changes: Any) -> Self:
        """A validated copy with some fields changed."""
        return type(self)(**{**self.model_dump(), **changes})

    @classmethod
    def describe(cls) -> Iterator[OptionInfo]:
        """The fields in order, as plain values."""
        for name, field in cls.model_fields.items():
            extra: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            bounds = {key: getattr(m, key) for m in field.metadata for key in ("ge", "gt", "le") if hasattr(m, key)}
            inner: Any = field.annotation
            may_be_none = type(None) in get_args(inner)
            if may_be_none:
                inner = next(a for a in get_args(inner) if a is not type(None))
            choices = get_args(inner) if get_origin(inner) is Literal else ()
            yield OptionInfo(
                name=name,
                type=str if choices else inner,
                default=field.default,
                help=field.description or "",
                unit=extra.get("unit", ""),
                minimum=bounds.get("ge", bounds.get("gt")),
                maximum=bounds.get("le"),
                step=extra.get("step"),
                choices=choices,
                optional=may_be_none or extra.get("filled", False),
                advanced=extra.get("advanced", False),
            )


def _sentence(error: ValidationError, cls: type[Options]) -> str:
    """Turn pydantic's report into: field, what was expected, what came."""
    parts = []
    for e in error.errors(include_url=False):
        name = ".".join(str(p) for p in e["loc"]) or cls.__name__
        if e["type"] == "extra_forbidden":
            parts.append(f"{name} is not a setting here; there are: {', '.join(cls.model_fields)}")
        elif e["type"] == "value_error":
            parts.append(e["msg"].removeprefix("Value error, "))
        else:
            text = e["msg"][0].lower() + e["msg"][1:]
            parts.append(f"{name}: {text.removeprefix('input ')}, got {e['input']!r}")
    return "; ".join(parts)
