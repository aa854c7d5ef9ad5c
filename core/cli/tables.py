"""The registries as tables: for the terminal, for machines, and for the README, which a test holds to them."""

from collections.abc import Callable, Mapping
from typing import Any

from core.api import DATASETS, METHODS, NETWORKS, TRAINERS
from core.types import Options

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
    work = getattr(work, "func", work)  # functools.partial: one function serving several rows
    return work.__module__.replace(".", "/") + ".py"


def text(table: str) -> str:
    """A registry for the terminal, each row with its settings."""
    lines = []
    for row in rows(table):
        lines.append(f"{row['name']:14} {row['title']} · {row['source']}")
        for one in row.get("options", []):
            bounds = f" [{' | '.join(one['choices'])}]" if one["choices"] else ""
            unit = f" ({one['unit']})" if one["unit"] else ""
            default = "none" if one["default"] is None else one["default"]
            lines.append(f"    {one['flag']:22} {one['help']}{unit}{bounds}; default {default}")
    return "\n".join(lines)
