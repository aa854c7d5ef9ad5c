"""Forms that draw themselves from a Config.

Every field of an `Options` class becomes one widget: choices as segments or a list, bounded numbers as sliders,
wide or open ranges as number boxes, switches as toggles. The key `page.section.name` is also the name in the URL,
so a link reproduces the form. A field without a widget here would be a setting the reader cannot reach: it fails.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.types import OptionInfo, Options

LABELS = {
    "ipc": "Images per class", "eps": "Attack budget ε", "radius": "Covering radius η", "networks": "Fresh networks",
    "lr": "Learning rate", "lr_img": "Learning rate, images", "lr_net": "Learning rate, networks",
    "lr_expert": "Learning rate, experts", "lr_student": "Learning rate, students",
    "lr_lr": "Learning rate, of that rate", "init": "First images", "beta": "Weight β", "sigma": "Noise σ",
    "watch_eps": "Live ε", "watch_norm": "Live norm",
}  # fmt: skip
ALTERNATIVES = {"ipc": "Images per class", "radius": "Radius η"}  # settings of which a Config takes exactly one
START = {"ipc": 10, "radius": 1.5}
MOST_SEGMENTS, MOST_LETTERS, MOST_STEPS = 4, 34, 250


def fields(
    config: type[Options], prefix: str, *, suggested: Mapping[str, Any] | None = None, skip: Collection[str] = ()
) -> dict[str, Any]:
    """Draw a Config's settings and return their values by name; settings marked advanced are folded away.

    prefix     "page.section": keys are "page.section.name"
    suggested  defaults that fit the rest of the form better than the Config's own
    skip       settings that another part of the form decides
    """
    infos = {info.name: info for info in config.describe() if info.name not in skip}
    defaults = {name: info.default for name, info in infos.items()} | dict(suggested or {})
    values: dict[str, Any] = {}
    if all(name in infos and infos[name].optional for name in ALTERNATIVES):
        chosen = _alternative(prefix, infos, defaults)
        values |= dict.fromkeys(ALTERNATIVES) | {
            chosen.name: widget(chosen, f"{prefix}.{chosen.name}", START[chosen.name])
        }
        infos = {name: info for name, info in infos.items() if name not in ALTERNATIVES}
    for info in infos.values():
        if not info.advanced:
            values[info.name] = widget(info, f"{prefix}.{info.name}", defaults[info.name])
    folded = [info for info in infos.values() if info.advanced]
    if folded:
        with st.expander("More settings", key=f"{prefix}.more"):
            values |= {info.name: widget(info, f"{prefix}.{info.name}", defaults[info.name]) for info in folded}
    return values


def _alternative(prefix: str, infos: Mapping[str, OptionInfo], defaults: Mapping[str, Any]) -> OptionInfo:
    """Which of two settings is given when a Config takes exactly one of them."""
    words = {word: name for name, word in ALTERNATIVES.items()}
    start = next(word for word, name in words.items() if defaults[name] is not None)
    name = words[
        st.segmented_control(
            "Fix",
            list(words),
            default=start,
            required=True,
            key=f"{prefix}.fix",
            bind="query-params",
            help="Fix the images per class and the radius is made small, or fix the radius and the images are made few",
        )
    ]
    return replace(infos[name], optional=False)


def widget(info: OptionInfo, key: str, default: Any) -> Any:
    """One widget for one setting; untouched ones follow when their suggested default changes."""
    follow(key, default)
    shared = {"label": label(info), "key": key, "help": tooltip(info), "bind": "query-params"} | noted(key)
    if info.choices:
        return _choice(info, default, shared)
    if info.type is bool:
        return st.toggle(value=default, **shared)
    if info.type in (int, float):
        return _number(info, default, shared)
    if info.type is str:
        return st.text_input(value=default or "", **shared)
    raise TypeError(f"no widget for {info.name}: {info.type}")


def follow(key: str, default: Any) -> None:
    """Move an untouched widget to its default of now; a value that the reader chose, by hand or link, stays.

    Nothing is remembered from the run before: a run of the page that is cut short by the next change loses nothing.
    """
    chosen = _chosen()
    if key not in st.session_state:
        chosen.discard(key)  # drawn anew, with what the link says
    elif key not in chosen and key not in st.query_params and st.session_state[key] != default:
        st.session_state[key] = default


def noted(key: str) -> dict[str, Any]:
    """What a widget is given so that it is known as chosen once the reader moves it."""
    return {"on_change": choose, "args": (key,)}


def choose(key: str) -> None:
    """Note that the reader set a widget."""
    _chosen().add(key)


def _chosen() -> set[str]:
    """Keys of the widgets that the reader set in this session."""
    found: set[str] = st.session_state.setdefault("form.chosen", set())
    return found


def put(prefix: str, values: Mapping[str, Any]) -> None:
    """Fill a form from stored settings, before it is drawn."""
    for name, value in values.items():
        if name not in ALTERNATIVES or value is not None:
            st.session_state[f"{prefix}.{name}"] = value
            choose(f"{prefix}.{name}")
    given = [name for name in ALTERNATIVES if values.get(name) is not None]
    if len(given) == 1 and set(ALTERNATIVES) <= set(values):
        st.session_state[f"{prefix}.fix"] = ALTERNATIVES[given[0]]


def label(info: OptionInfo) -> str:
    """The name of a setting in words, with its unit when that is short."""
    words = LABELS.get(info.name, info.name.replace("_", " ").capitalize())
    return (
        f"{words} ({info.unit})"
        if info.unit and len(info.unit) < 10 and info.unit.lower() not in words.lower()
        else words
    )


def tooltip(info: OptionInfo) -> str:
    """One line of help with unit and bounds."""
    parts = [info.help[:1].upper() + info.help[1:]] if info.help else []
    if info.unit:
        parts.append(f"unit: {info.unit}")
    if info.minimum is not None or info.maximum is not None:
        low = "" if info.minimum is None else f"{info.minimum:g}"
        high = "" if info.maximum is None else f"{info.maximum:g}"
        parts.append(f"from {low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}")
    if info.optional:
        parts.append("leave empty for automatic")
    return "; ".join(parts)


def select(
    title: str, options: Sequence[str], key: str, start: str, *, titles: Mapping[str, str], help: str, new: bool = False
) -> str:
    """A list of names shown by their titles. The URL has the name, where Streamlit's own binding would put the title.

    new  whether a name that is not listed may be typed, or come from the URL
    """
    follow(key, start)
    asked = st.query_params.get(key, start)
    listed = [*options, asked] if new and asked not in options else list(options)
    index = listed.index(asked if asked in listed else start)
    value = st.selectbox(
        title, listed, index, lambda n: titles.get(n, n), key, help, accept_new_options=new, persist_state="session",
        **noted(key),
    )  # fmt: skip
    _linked(key, value or start, start)
    return value or start


def segments(title: str, options: Sequence[str], key: str, start: str, *, titles: Mapping[str, str], help: str) -> str:
    """Names beside each other, shown by their titles; as `select`, the URL has the name."""
    follow(key, start)
    if st.session_state.get(key, start) not in options:  # what another form of the page left there
        st.session_state[key] = start
    asked = st.query_params.get(key, start)
    value: str = st.segmented_control(
        title, options, default=asked if asked in options else start, format_func=lambda n: titles.get(n, n),
        required=True, key=key, help=help, **noted(key),
    )  # fmt: skip
    _linked(key, value, start)
    return value


def several(
    title: str, options: Sequence[str], key: str, start: Sequence[str], *, titles: Mapping[str, str], help: str
) -> list[str]:
    """Any number of names, shown by their titles; the URL has the names, with commas between."""
    asked = [name for name in st.query_params.get(key, ",".join(start)).split(",") if name in options]
    value = st.multiselect(title, options, asked, lambda n: titles.get(n, n), key, help)
    _linked(key, ",".join(value), ",".join(start))
    return value


def _linked(key: str, value: str, start: str) -> None:
    """Keep a value in the URL, where it is another than what the form begins with."""
    if value == start:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value


def _choice(info: OptionInfo, default: str, shared: Mapping[str, Any]) -> str | None:
    choices = list(info.choices)
    if len(choices) <= MOST_SEGMENTS and sum(map(len, choices)) <= MOST_LETTERS and not info.optional:
        return st.segmented_control(options=choices, default=default, required=True, **shared)
    index = choices.index(default) if default in choices else None
    return st.selectbox(options=choices, index=index, **shared)


def _number(info: OptionInfo, default: float | None, shared: Mapping[str, Any]) -> float | None:
    kind = info.type
    low, high, step = info.minimum, info.maximum, info.step or (1 if kind is int else 0)
    if not info.optional and low is not None and high is not None and 0 < high - low <= step * MOST_STEPS:
        return st.slider(min_value=kind(low), max_value=kind(high), value=kind(default), step=kind(step), **shared)

    def cast(value: float | None) -> Any:
        return None if value is None else kind(value)

    more: dict[str, Any] = {} if kind is int else {"format": "%.6g", "step": step or _tenth(default)}
    return st.number_input(
        min_value=cast(low),
        max_value=cast(high),
        value=cast(default),
        placeholder="all" if info.name in ("limit", "images") else "automatic",
        **more,
        **shared,
    )


def _tenth(value: float | None) -> float:
    """A step of the number box that suits the size of its value."""
    return (
        10.0 ** (len(f"{value:.0f}") - 2)
        if value and value >= 1
        else next((s for s in (0.1, 0.01, 0.001, 0.0001, 0.00001) if value and s <= value), 0.01)
    )
