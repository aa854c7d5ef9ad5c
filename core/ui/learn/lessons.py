"""Lessons as values: one JSON file each under assets/lessons, in the order of their names."""

import json
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import DataError
from core.ui.navigation import ROOT

FOLDER = ROOT / "assets" / "lessons"


class Choice(BaseModel):
    """An answer, and the numbers it is true of: those below a bound, or from one on; the last takes what is left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str = Field(min_length=1)
    below: float | None = None
    at_least: float | None = None


class Onward(BaseModel):
    """A page to go on to once the answer is there: `to` is its link within the app."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str = Field(min_length=1)
    to: str = Field(pattern=r"^[a-z]+(\?[A-Za-z0-9_.=&:-]*)?$")


class Stored(BaseModel):
    """Where an answer stands among finished runs, instead of in the plane.

    study   name of a study; its places are METHOD:IPC:TRAINING:EPS, with `all` for the full data
    widths  id of a comparison of widths; its places are widths and `kernel`
    measure clean, or robust: under the attack of the study, or the strong one of the comparison; or fgsm of the latter
    before, after  the two places that the question is about; beside are shown with the answer
    pictures  whose condensed images are seen meanwhile
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str = ""
    widths: str = ""
    measure: Literal["clean", "robust", "fgsm"] = "robust"
    before: str
    after: str
    beside: tuple[str, ...] = ()
    pictures: Literal["before", "after"] = "after"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.study) == bool(self.widths):
            raise ValueError("give a study or widths, and not both")
        if self.study and self.measure == "fgsm":
            raise ValueError("a study has no fgsm")
        return self


class Lesson(BaseModel):
    """One question, about Play or about finished runs.

    before, after  settings of Play as in its link, and those that are changed when the answer is revealed
    measure        what is measured before and after: clean, robust (shares of test points), radius, or one_step, the
                   share left by an attack of one step, against 20 steps before
    read           what the choices are about: the share after, its loss, gain or surplus, or by what part it shrinks
    stored         where the numbers stand in finished runs; then there is no state of Play and nothing to measure
    meaning        what it means; {before}, {after} and {n} stand for what was measured
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1)
    lead: str = Field(min_length=1)
    before: dict[str, str | float] = {}
    question: str = Field(min_length=1)
    after: dict[str, str | float] = {}
    stored: Stored | None = None
    measure: Literal["clean", "robust", "radius", "one_step"] = "robust"
    read: Literal["share", "loss", "gain", "more", "shrinks"]
    choices: tuple[Choice, ...] = Field(min_length=2)
    meaning: str = Field(min_length=1)
    onward: tuple[Onward, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """It asks of the plane or of runs; every number is in one choice: bounds are of one kind and in order."""
        if bool(self.before) == (self.stored is not None):
            raise ValueError("give a state of Play in `before`, or `stored`, and not both")
        *bounded, last = self.choices
        below = [choice.below for choice in bounded if choice.below is not None]
        least = [choice.at_least for choice in bounded if choice.at_least is not None]
        ordered = below == sorted(set(below)) and least == sorted(set(least), reverse=True)
        if last.below is not None or last.at_least is not None or not ordered or bool(below) == bool(least):
            raise ValueError("choices need bounds of one kind, `below` rising or `at_least` falling, the last one none")
        if len(bounded) != len(below) + len(least):
            raise ValueError("every choice but the last needs a bound")
        return self


def read(folder: Path = FOLDER) -> list[Lesson]:
    """The lessons in the order of their files' names, 10 after 9.

    raises  DataError that names the file and what does not fit
    """
    return [_one(path) for path in sorted(folder.glob("*.json"), key=_place)]


def _place(path: Path) -> tuple[int, str]:
    number = path.stem.split("-")[0]
    return (int(number) if number.isdigit() else 10**6, path.stem)


def _one(path: Path) -> Lesson:
    try:
        return Lesson.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the lesson"
        raise DataError(f"{path.name}: {where}: {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} cannot be read as a lesson: {error}") from None
