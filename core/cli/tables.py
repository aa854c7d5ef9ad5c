"""The registries as tables: for the terminal, for machines, and for the README, which a test holds to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.api import DATASETS, METHODS, NETWORKS, TRAINERS, EvaluationConfig
from core.types import DataConfig, Options

REGISTRIES: Mapping[str, Mapping[str, Any]] = {
    "methods": METHODS,
    "networks": NETWORKS,
    "trainings": TRAINERS,
    "datasets": DATASETS,
}


def options(config: type[Options]) -> list[dict[str, Any]]:
    """The settings of a Config as JSON values: flag, help, default, unit, bounds, choices."""
    return [
        {
            "flag": flag(info.name),
            "help": info.help,
            "default": info.default,
            "unit": info.unit,
            "minimum": info.minimum,
            "maximum": info.maximum,
            "choices": list(info.choices),
        }
        for info in config.describe()
    ]


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def rows(table: str) -> list[dict[str, Any]]:
    """One dict per row of a registry: name, title, kind where there is one, source, options where there are any."""
    found = []
    for name, entry in REGISTRIES[table].items():
        row = {"name": name, "title": entry.title, "kind": getattr(entry, "kind", None), "source": entry.source}
        if hasattr(entry, "Config"):
            row["options"] = options(entry.Config)
        found.append({key: value for key, value in row.items() if value is not None})
    return found


def markdown(table: str) -> str:
    """A registry as the README shows it."""
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "name": lambda row: f"`{row['name']}`",
        "what": lambda row: row["title"],
        "kind": lambda row: row.get("kind", ""),
        "source": lambda row: row["source"],
        "file": lambda row: f"[`{module(table, row['name'])}`]({module(table, row['name'])})",
    }
    found = rows(table)
    if not any("kind" in row for row in found):
        del columns["kind"]
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return "\n".join(lines + [f"| {' | '.join(cell(row) for cell in columns.values())} |" for row in found])


def module(table: str, name: str) -> str:
    """Path of the file that does the work of a row."""
    entry = REGISTRIES[table][name]
    work = next(getattr(entry, attr) for attr in ("condense", "train", "build", "load") if hasattr(entry, attr))
    return work.module.replace(".", "/") + ".py"


def text(table: str) -> str:
    """A registry for the terminal, each row with its settings."""
    lines = []
    for row in rows(table):
        lines.append(f"{row['name']:14} {row['title']} · {row['source']}")
        lines += [f"    {line(one)}" for one in row.get("options", [])]
    return "\n".join(lines)


def line(one: Mapping[str, Any]) -> str:
    """A setting in one line: flag, help, unit, choices and default."""
    bounds = f" [{' | '.join(one['choices'])}]" if one["choices"] else ""
    unit = f" ({one['unit']})" if one["unit"] else ""
    default = "none" if one["default"] is None else one["default"]
    return f"{one['flag']:22} {one['help']}{unit}{bounds}; default {default}"


STAGES: Mapping[str, str] = {"method": "methods", "network": "networks", "training": "trainings"}
OWN: Mapping[str, type[Options]] = {"data": DataConfig, "eval": EvaluationConfig}


def settings(stages: Sequence[str], more: str = "") -> str:
    """Every setting of these stages, row by row, as it stands below the help of a command.

    Paragraphs begin with a backspace, which keeps their lines as they are.
    """
    paragraphs = [
        "Settings besides these, each also with its stage before it, as --method-norm or --eval-images.",
        more,
    ]
    for stage in stages:
        if stage in OWN:
            found = [line(one) for one in options(OWN[stage]) if one["flag"] != "--name"]
            paragraphs.append("\n".join(["\b", f"--{stage}:" if stage == "data" else "Evaluation:", *found]))
        else:
            paragraphs += [
                "\n".join(["\b", f"--{stage} {row['name']}: {row['title']}", *map(line, row.get("options", []))])
                for row in rows(STAGES[stage])
            ]
    return "\n\n".join(filter(None, paragraphs))
