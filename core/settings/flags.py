"""Settings as flat command-line flags and back.

`--data`, `--method`, `--network` and `--training` take names, `--seed` and `--networks` are the run's own, and
`--protocol` names values for those options of the training that are not given. Every option may be given with
its stage before it (`--method-norm`, `--eval-images`). A bare option goes to the one stage that has it; `--norm`
and `--eps` are the threat model and go to every stage that has them; any other bare option of several stages is
refused with its longer forms.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
from types import GenericAlias
from typing import Any, get_args

from core.errors import ConfigError
from core.evaluation.options import EvaluationConfig
from core.settings.run import Choice, MethodChoice, NetworkChoice, RunConfig, TrainingChoice, too_wide
from core.training.options import PROTOCOLS
from core.types import DataConfig, OptionInfo, Options

STAGES = ("data", "method", "network", "training", "eval")
CHOICES: dict[str, type[Choice]] = {"method": MethodChoice, "network": NetworkChoice, "training": TrainingChoice}
SHARED = ("norm", "eps")
FIELD = {"eval": "evaluation"}  # where a stage lives in RunConfig when its name differs
RUN = {"seed": (), "networks": ("training", "eval")}  # options of no stage, with the stages they need
OWN = {"data": ("name", "seed")}  # options that are only reached with their stage before them


def split(arguments: Sequence[str]) -> dict[str, str]:
    """Turn `["--ipc", "10", "--norm=L2", "--weighted"]` into names and texts; a lone flag means `true`.

    raises  ConfigError for a word that is not a flag, and for a flag given twice
    """
    flags: dict[str, str] = {}
    words = list(arguments)
    while words:
        word = words.pop(0)
        if not word.startswith("--") or word == "--":
            raise ConfigError(f"expected an option such as --ipc 10, got {word!r}")
        name, equals, text = word[2:].partition("=")
        if not equals:
            text = words.pop(0) if words and not words[0].startswith("--") else "true"
        if name in flags:
            raise ConfigError(f"--{name} is given twice: {flags[name]!r} and {text!r}; give it once")
        flags[name] = text
    return flags


def parse(flags: Mapping[str, str], *, stages: Sequence[str] = STAGES) -> RunConfig:
    """Read flags into settings; stages that are left out keep their defaults.

    raises  ConfigError that names what would be accepted
    """
    left = {name.replace("_", "-"): text for name, text in flags.items()}
    default = RunConfig()
    names = {stage: left.pop(stage) for stage in CHOICES if stage in stages and stage in left}
    configs = {stage: _config(default, stage, names.get(stage)) for stage in stages}
    values: dict[str, dict[str, Any]] = {stage: {} for stage in stages}
    if "data" in stages and "data" in left:
        values["data"]["name"] = left.pop("data")
    if "training" in stages and "protocol" in left:
        values["training"] = _protocol(left.pop("protocol"))
    settings = {name: _read(name, left.pop(name), info) for name, info in _own(stages).items() if name in left}
    for name, stage, info, text in sorted(_resolved(left, configs), key=lambda found: found[0].startswith(found[1])):
        values[stage][info.name] = _read(name, text, info)
    for stage in stages:
        if stage in CHOICES:
            name = names.get(stage, getattr(default, stage).name)
            settings[stage] = CHOICES[stage](**{"name": name, "options": values[stage]})
        else:
            settings[FIELD.get(stage, stage)] = configs[stage](**values[stage])
    found = RunConfig(**settings)
    for stage in stages:
        if sentence := too_wide(_options(found, stage).model_dump()):
            raise ConfigError(sentence)
    return found


def options(flags: Mapping[str, str], config: type[Options], *, stage: str = "eval") -> dict[str, Any]:
    """Read flags into the values of one Config; each may have `stage` before it, as `--eval-images`.

    raises  ConfigError that names what would be accepted
    """
    known = {info.name.replace("_", "-"): info for info in config.describe()}
    values = {}
    for name, text in flags.items():
        short = name.replace("_", "-").removeprefix(f"{stage}-")
        if short not in known:
            raise ConfigError(_unknown(name, list(known)))
        values[known[short].name] = _read(name, text, known[short])
    if sentence := too_wide({info.name: info.default for info in known.values()} | values):
        raise ConfigError(sentence)
    return values


def to_flags(config: RunConfig, *, stages: Sequence[str] = STAGES) -> dict[str, str]:
    """The fewest flags from which `parse` makes `config`, in reading order."""
    default, flags = RunConfig(), {}
    options = {stage: _options(config, stage) for stage in stages}
    for stage in stages:
        if stage in CHOICES and getattr(config, stage).name != getattr(default, stage).name:
            flags[stage] = getattr(config, stage).name
        for info in options[stage].describe():
            value = getattr(options[stage], info.name)
            holders = [s for s in stages if info.name in type(options[s]).model_fields and not _hidden(s, info.name)]
            together = info.name in SHARED and len({getattr(options[s], info.name) for s in holders}) == 1
            if value == info.default or (together and info.name in flags):
                continue
            flags[_shortest(stage, info.name, holders, together)] = written(value)
    for name, info in _own(stages).items():
        if getattr(config, name) != info.default:
            flags[name] = written(getattr(config, name))
    for name in [name for name, text in flags.items() if text == "none"]:
        rest = {other: text for other, text in flags.items() if other != name}
        if _same(rest, config, stages):
            flags = rest
    return flags


def to_command(config: RunConfig, *, verb: str = "run", stages: Sequence[str] = STAGES) -> str:
    """The command line that repeats these settings, quoted for a shell."""
    words: list[str] = []
    for name, text in to_flags(config, stages=stages).items():
        words += [f"--{name}={text}"] if text.startswith("--") else [f"--{name}", text]
    return shlex.join(["python", "-m", "core", verb, *words])


def _shortest(stage: str, option: str, holders: Sequence[str], together: bool) -> str:
    if (stage, option) == ("data", "name"):
        return "data"
    name = option.replace("_", "-")
    return name if together or holders == [stage] else f"{stage}-{name}"


def _same(flags: Mapping[str, str], config: RunConfig, stages: Sequence[str]) -> bool:
    try:
        return parse(flags, stages=stages) == config
    except ConfigError:
        return False


def _config(default: RunConfig, stage: str, name: str | None) -> type[Options]:
    """The Config class of a stage whose row is called `name`, or is the default one."""
    if stage in CHOICES:
        return type(CHOICES[stage].of(name or getattr(default, stage).name).options)
    return DataConfig if stage == "data" else EvaluationConfig


def _options(config: RunConfig, stage: str) -> Options:
    found: Any = getattr(config, FIELD.get(stage, stage))
    chosen: Options = found.options if stage in CHOICES else found
    return chosen


def _hidden(stage: str, option: str) -> bool:
    return option in OWN.get(stage, ())


def _resolved(
    flags: Mapping[str, str], configs: Mapping[str, type[Options]]
) -> Iterator[tuple[str, str, OptionInfo, str]]:
    """Each flag with every stage and option it sets."""
    table = {(stage, info.name): info for stage, config in configs.items() for info in config.describe()}
    bare: dict[str, list[str]] = {}
    for stage, option in table:
        if not _hidden(stage, option):
            bare.setdefault(option.replace("_", "-"), []).append(stage)
    long = {f"{stage}-{option.replace('_', '-')}": (stage, option) for stage, option in table}
    for name, text in flags.items():
        if name in long:
            stage, option = long[name]
            yield name, stage, table[stage, option], text
        elif name in bare:
            holders = bare[name]
            if len(holders) > 1 and name not in SHARED:
                forms = " or ".join(f"--{stage}-{name}" for stage in holders)
                raise ConfigError(f"--{name} could mean several options: write {forms}")
            for stage in holders:
                yield name, stage, table[stage, name.replace("-", "_")], text
        else:
            raise ConfigError(_unknown(name, [*bare, *long, *CHOICES, *RUN, "data", "protocol"]))


def _unknown(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join('--' + n for n in near)}?" if near else "see --help for what there is"
    return f"--{name} is not an option of what is chosen here: {hint}"


def _own(stages: Sequence[str]) -> dict[str, OptionInfo]:
    """The options of the run itself that mean something for these stages."""
    return {info.name: info for info in RunConfig.describe() if info.name in RUN and set(RUN[info.name]) <= set(stages)}


def _protocol(name: str) -> dict[str, Any]:
    if name not in PROTOCOLS:
        raise ConfigError(f"there is no protocol called {name!r}; there are: {', '.join(PROTOCOLS)}")
    return dict(PROTOCOLS[name])


def _read(name: str, text: str, info: OptionInfo) -> Any:
    """The value of a flag's text, of the option's type; a fraction such as 8/255 is a number too."""
    if info.optional and text.lower() == "none":
        return None
    try:
        if info.type is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if info.type is float:
            return float(Fraction(text)) if "/" in text else float(text)
        if isinstance(info.type, GenericAlias):
            kind = get_args(info.type)[0]
            return tuple(kind(Fraction(part) if "/" in part else part) for part in text.split(",") if part)
        return info.type(text)
    except (KeyError, ValueError, ZeroDivisionError):
        words = {bool: "true or false", int: "a whole number", float: "a number"}
        raise ConfigError(f"--{name} must be {words.get(info.type, info.type)}, got {text!r}") from None


def written(value: Any) -> str:
    """A value as the text that reads back to it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(written, value))
    return repr(value) if isinstance(value, float) else str(value)
