"""Which settings of several runs differ: those that are worth a look when their numbers do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def differing(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The settings with more than one value, by their names from the outside in; one value a run, None where it has
    no such setting.

    A choice and its options read as `method` and `method.ipc`, as in the Lab's link.
    """
    flat = [dict(_flat(config)) for config in configs]
    names = dict.fromkeys(name for one in flat for name in one)
    rows = {name: [one.get(name) for one in flat] for name in names}
    return {name: values for name, values in rows.items() if any(value != values[0] for value in values)}


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    choice = set(value) == {"name", "options"}
    for name, part in value.items():
        place = above if choice else f"{above}.{name}" if above else name
        if isinstance(part, Mapping):
            yield from _flat(part, place)
        else:
            yield place, part
