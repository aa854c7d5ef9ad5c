"""Explore: the measured grid of a study under two sliders and two rows of buttons; nothing is computed on the way."""

from collections.abc import Sequence
from dataclasses import asdict
from math import ceil, floor, log10
from typing import Any

import streamlit as st

from core import api
from core.api.study import Place, Row, Study
from core.errors import BallastError
from core.plots import cell_bars, grid_curve
from core.ui import form, glossary, live, navigation, words
from core.ui.chart import draw
from core.ui.study import view

KEY = "study.explore"
FINE = 20  # slider steps up to the largest measured radius, about
BEYOND = 1.25  # the sliders' ends, over the largest measured value
HELP = {
    "method": "How the images are made",
    "training": "How a network is trained on them",
    "eps": "Radius of the attack; each is trained and judged on its own",
    "ipc": "Condensed images per class",
}


def section(name: str, study: Study, rows: Sequence[Row]) -> None:
    """The whole part of the page for one study and what is done of it; moving about reads nothing more of the store."""
    if any(row.ipc is not None for row in rows):
        live.fragment(_explore)(name, study, rows, _rgb(study, rows))


def _explore(name: str, study: Study, rows: Sequence[Row], rgb: bool) -> None:
    with st.container(border=True, key=f"{KEY}.all"):
        st.header("Explore", anchor=False)
        place = _place(study, rows, rgb)
        row = api.study.at(rows, place)
        left, right = st.columns([2, 3], gap="medium")
        with left:
            if row is None:
                _missing(name, study, rows, place, rgb)
            else:
                _picture(row)
        with right:
            _numbers(study, rows, row, place, rgb)


def _place(study: Study, rows: Sequence[Row], rgb: bool) -> Place:
    """Where the reader stands: at first the last method that was measured, at its largest budget and least radius."""
    own = [row for row in rows if row.ipc is not None]
    methods = list(dict.fromkeys([*(m for m in study.methods if m != "full"), *(row.method for row in own)]))
    trainings = list(dict.fromkeys([*study.trainings, *(row.training for row in own)]))
    budgets, radii = (api.study.measured(rows, axis) for axis in ("ipc", "eps"))
    scale = {words.budget(eps, rgb): eps for eps in scale_of(radii, rgb)}
    start = own[-1].method
    one, other = st.columns(2, gap="medium")
    with one:
        method = _segments("Method", "method", methods, start)
        place = _slider("Attack budget ε", "eps", list(scale), words.budget(radii[0], rgb))
        st.caption("Measured at " + ", ".join(words.budget(eps, rgb) for eps in radii))
    with other:
        training = _segments("Training", "training", trainings, trainings[0])
        numbers = [str(n) for n in range(1, ceil(BEYOND * budgets[-1]) + 1)]
        ipc = _slider("Images per class", "ipc", numbers, f"{budgets[-1]:g}")
        st.caption("Measured at " + ", ".join(f"{ipc:g}" for ipc in budgets))
    return Place(method=method, ipc=int(ipc), training=training, eps=scale[place])


def scale_of(radii: Sequence[float], rgb: bool) -> list[float]:
    """The radii that a slider stops at: every measured one, and round ones between and a little beyond."""
    top = radii[-1]
    step = 1 / 255 if rgb else _round(top / FINE)
    between = [round(n * step, 12) for n in range(1, ceil(BEYOND * top / step) + 1)]
    return sorted([*radii, *(eps for eps in between if all(abs(eps - known) > step / 4 for known in radii))])


def _round(value: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten that is not smaller."""
    power = 10.0 ** floor(log10(value))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= value * (1 - 1e-9))


def _segments(title: str, name: str, options: list[str], start: str) -> str:
    return form.segments(title, options, f"{KEY}.{name}", start, titles=api.naming.titles(), help=HELP[name])


def _slider(title: str, name: str, options: list[str], start: str) -> str:
    chosen: str = st.select_slider(
        title, options, start, key=_key(name, options, start), bind="query-params", help=HELP[name],
        **form.noted(f"{KEY}.{name}"),
    )  # fmt: skip
    return chosen


def _key(name: str, options: Sequence[str], start: str) -> str:
    """The key of a widget; what another study left there is replaced where this one does not have it."""
    key = f"{KEY}.{name}"
    form.follow(key, start)
    if st.session_state.get(key, start) not in options:
        st.session_state[key] = start
    return key


def _go(row: Row, rgb: bool) -> None:
    """Move the sliders to a measured row."""
    for name, text in (("eps", words.budget(row.eps, rgb)), ("ipc", str(row.ipc))):
        st.session_state[f"{KEY}.{name}"] = text
        form.choose(f"{KEY}.{name}")


def _picture(row: Row) -> None:
    """The condensed images of the cell, and its runs one click away."""
    picture = api.image(row.runs[0])
    if picture is None:
        st.caption("Points in the plane have no picture: open a run to see them on the map.")
    else:
        st.image(picture, output_format="PNG", width="stretch", alt="Condensed images of this cell, one row per class")
    st.caption(f"{round(row.budget)} images, one row per class; those of the first seed are shown")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("One run a seed:", width="content")
        for number, run_id in enumerate(row.runs, 1):
            if st.button(f"Run {number}", key=f"{KEY}.run.{run_id}"):
                navigation.open_run(run_id)


def _missing(name: str, study: Study, rows: Sequence[Row], place: Place, rgb: bool) -> None:
    """That nothing was measured here, the measured places around it, and the way to measure it."""
    st.info(f"**Not measured** at {words.place(place, rgb)}. Nothing is guessed between measured cells.")
    if around := api.study.nearest(rows, place):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Measured nearby:", width="content")
            for row in around:
                text = f"ε {words.budget(row.eps, rgb)}, {row.ipc} per class"
                st.button(text, key=f"{KEY}.go.{row.runs[0]}", on_click=_go, args=(row, rgb))
    if study.has(place):
        st.caption("This cell belongs to the study and is not done yet: *Go on* above does what is missing.")
        return
    guest = api.visitors.current().role != "owner"
    where = "a study of your own, since examples stay as they are" if api.examples.is_one(name) else "this study"
    if st.button(
        "Measure this cell", key=f"{KEY}.queue", type="primary", disabled=guest, on_click=_measure, args=(name, place)
    ):
        st.rerun()
    if refused := st.session_state.pop(f"{KEY}.refused", ""):
        st.error(words.plain(refused))
    st.caption(f"{study.seeds} run{'s' * (study.seeds != 1)}, one a seed, settings as in the others; part of {where}.")


def _measure(name: str, place: Place) -> None:
    """Queue a cell as a study queues its runs, and show the study that it belongs to."""
    try:
        mine = api.study.widen(name, place)
        api.study.start(mine)
    except BallastError as error:
        st.session_state[f"{KEY}.refused"] = str(error)
        return
    st.session_state["study"] = st.query_params["study"] = mine
    form.choose("study")


def _numbers(study: Study, rows: Sequence[Row], row: Row | None, place: Place, rgb: bool) -> None:
    """The two accuracies beside the bars they have to beat, and the curve over the measured radii."""
    attack = view.TITLES[study.attack]
    clean, robust = st.columns(2)
    for column, title, field in ((clean, "Clean accuracy", "clean"), (robust, "Robust accuracy", "attacked")):
        value = words.percent(None if row is None else getattr(row, field))
        column.metric(title, value, help=glossary.CLEAN if field == "clean" else glossary.ROBUST)
        if row is None:
            column.caption("not measured here")
        else:
            images = getattr(row, f"{field}_images")
            by = f"{attack}, {study.norm} ε {words.budget(place.eps, rgb)}, " if field == "attacked" else ""
            column.caption(
                f"{words.between(getattr(row, f'{field}_interval'))}, {by}{images:,} images, {_seeds(row, study)}",
                help=glossary.N,
            )
    others = api.study.beside(rows, place)
    bars: dict[str, Any] = ({} if row is None else {place.method: asdict(row)}) | {
        n: asdict(r) for n, r in others.items()
    }
    if bars:
        under = f"{attack}, {study.norm} ε {words.budget(place.eps, rgb)}"
        draw(cell_bars.chart(bars, under, api.naming.titles()), f"{KEY}.bars", None)
    lines = {name: [asdict(r) for r in found] for name, found in api.study.along(rows, place).items()}
    if lines:
        end = scale_of(api.study.measured(rows, "eps"), rgb)[-1]
        asked = place.eps, words.budget(place.eps, rgb)
        figure = grid_curve.chart(
            lines, place.training, asked, end=end, norm=study.norm, attack=attack, titles=api.naming.titles()
        )
        draw(figure, f"{KEY}.curve", None)
        st.caption(
            f"Under {attack}, {place.ipc} per class, training: {api.naming.training(place.training)}. Each point is a "
            "cell of its own ε."
        )
    else:
        training = api.naming.training(place.training)
        st.caption(f"No cell with {place.ipc} per class was measured, training: {training}.")


def _seeds(row: Row, study: Study) -> str:
    return f"{row.seeds} of {study.seeds} seeds"


def _rgb(study: Study, rows: Sequence[Row]) -> bool:
    """Whether radii are written n/255, as for colour images under Linf."""
    return study.norm == "Linf" and api.results.RunResult.of(api.get(rows[0].runs[0])).rgb
