"""Tables of one's own: modules named in BALLAST_PLUGINS add rows to the project's, in every process that reads them.

    BALLAST_PLUGINS=my_method,my_data python run.py

Each is found on the Python path and may have METHODS, NETWORKS, TRAINERS and DATASETS, dicts of rows by name. What a
form, a command line, a study and a worker know of a table is the table, so nothing else is needed. A module that cannot
be imported, or a row that does not fit, is left out with one sentence; the others are added all the same.
"""

import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from core.types.named import OnTrain
from core.types.options import Options
from core.types.tables import Loader, Method, Network, Trainer

VARIABLE = "BALLAST_PLUGINS"
ROWS: Mapping[str, type] = {"METHODS": Method, "NETWORKS": Network, "TRAINERS": Trainer, "DATASETS": Loader}
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


_TABLES: dict[str, tuple[dict[str, Any], type[Options]]] = {}  # by name, with what the Config of each row must be
_LOADED: dict[str, object] = {}  # modules by name; None while one is being imported, and for one that cannot be
_WRONG: dict[str, str] = {}


def extend(table: str, rows: dict[str, Any], base: type[Options] = Options) -> None:
    """Add the rows of every plugin to a table, in place; called where the table stands, once.

    base  what the Config of each row must be
    """
    _TABLES[table] = rows, base
    for name in wanted():
        if name in _LOADED:
            _take(name, table)
        else:
            _load(name)


def wanted() -> list[str]:
    """Names of modules in the variable, in order."""
    return list(dict.fromkeys(filter(None, re.split(r"[,\s]+", os.environ.get(VARIABLE, "")))))


def trouble() -> str:
    """What is wrong with plugins, a sentence each, or ""."""
    return " ".join(_WRONG.values())


def folders() -> list[str]:
    """Folders that processes started from here need on their path to find the same modules."""
    found = (_root(name, module) for name, module in _LOADED.items() if getattr(module, "__file__", None))
    return list(dict.fromkeys(map(str, found)))


def _root(name: str, module: Any) -> Path:
    """The folder from which a module is imported by its whole name: above the packages that it lies in or is."""
    packages = name.count(".") + hasattr(module, "__path__")
    return Path(module.__file__).resolve().parents[packages]


def _load(name: str) -> None:
    """Import a module, then add its rows to every table there is so far; it may itself bring tables in."""
    _LOADED[name] = None
    try:
        _LOADED[name] = import_module(name)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        _WRONG[name] = f"The plugin {name} is left out: {type(error).__name__}: {first[:200]}."
        return
    for table in list(_TABLES):
        _take(name, table)


def _take(name: str, table: str) -> None:
    """Add the rows for one table of a module that is imported; of one that is being imported they come later."""
    module, (rows, base) = _LOADED[name], _TABLES[table]
    own = getattr(module, table, {}) if module is not None else {}
    if not isinstance(own, Mapping):
        _WRONG[f"{name}.{table}"] = f"The plugin {name} is left out: {table} must be a dict of rows by name."
        return
    for key, row in own.items():
        if sentence := _unfit(key, row, table, rows, base):
            _WRONG[f"{name}.{table}.{key}"] = f"{key!r} of the plugin {name} is left out: {sentence}."
        else:
            rows[key] = row


def _unfit(key: Any, row: Any, table: str, rows: Mapping[str, Any], base: type[Options]) -> str:
    """Why a row cannot be one of this table, or ""."""
    if not isinstance(key, str) or not NAME.fullmatch(key):
        return "a name has small letters, digits and -"
    if key in rows and rows[key] is not row:
        return f"there is a row of that name in {table} already"
    if not isinstance(row, ROWS[table]):
        return f"expected a {ROWS[table].__name__}, got a {type(row).__name__}"
    config = getattr(row, "Config", base)
    if not (isinstance(config, type) and issubclass(config, base)):
        return f"its Config must be a subclass of {base.__name__}"
    if isinstance(row, Method) and not isinstance(row.condense, OnTrain):
        return 'its condense must be OnTrain("module:function"), which keeps test images from it'
    return ""
