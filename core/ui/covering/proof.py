"""Around one cover on the Covering page: frontier, distances, gallery, other methods, and both sides of the bound."""

from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import distances, frontier
from core.types import DataConfig, RunRecord
from core.ui import bar, form, live, naming, navigation, words
from core.ui.chart import draw, files
from core.ui.covering.form import WAYS, Chosen

SHOWN, COLUMNS = 12, 6  # balls of one page of the gallery
ALL = "Largest over classes"
METHODS = {"mfc": "This engine", "greedy": "Greedy", "k-center": "k-center", "random": "Random"}
SOURCES = {
    "whole": "Traced at every number of centres from 1",
    "coarse": "Coarse: a few numbers of centres with a short search and short bounds",
    "shipped": "Computed before at 1 to 20 centres per class, and the covers solved since",
    "solved": "Only the covers of a fixed budget solved so far on these data",
}
EVERY = 1.0


def curve(chosen: Chosen) -> None:
    """The frontier with a click that loads a cover, and the button that traces it."""
    norm, classes = chosen.config["method"]["options"]["norm"], chosen.found.classes
    rows, source = api.covering.frontier(chosen.found.data_hash, norm)
    with st.container(border=True, height="stretch"):
        st.markdown("**Frontier**: radius against centres")
        going = api.covering.tracing(chosen.config)
        if going is not None:
            tracing(going.id)
        elif source != "whole" and st.button(
            "Trace the frontier", key="covering.trace",
            help="Every number of centres up to 100 on small data; a few, with little effort, on larger data",
        ):  # fmt: skip
            api.covering.trace(chosen.config)
            st.rerun()
        if not rows:
            st.caption("No point is known yet: trace the frontier, or solve a cover of a fixed budget.")
            return
        whose = st.selectbox("Class", [ALL, *classes], key="covering.frontier.class")
        label = None if whose == ALL else classes.index(whose)
        points = frontier.of_all(rows) if label is None else frontier.of_class(rows, label)
        figure = frontier.chart(points, norm, whose.lower() if label is None else f"class {whose}")
        st.vega_lite_chart(
            pa.table(dict(figure.data)), dict(figure.spec), key="covering.frontier", alt=figure.alt, width="stretch",
            on_select=_picked, selection_mode="pick",
        )  # fmt: skip
        files(figure, "covering.frontier", f"frontier-{norm}-{whose.lower()}".replace(" ", "-"))
        proven = sum(point["proven"] for point in points)
        st.caption(
            f"{SOURCES[source]}: {len(points)} point{'s' if len(points) != 1 else ''}, {proven} proven optimal. "
            f"{chosen.found.train_images:,} train images. Click a point, or move "
            "*Centres per class*, to load its cover."
        )


def _picked() -> None:
    """Load the cover at the number of centres of a clicked point."""
    picked = st.session_state["covering.frontier"].selection.get("pick")
    if picked:
        st.session_state["covering.ipc"] = int(picked[0]["k"])
        st.session_state["covering.fix"] = WAYS[1]


@live.fragment(run_every=EVERY)
def tracing(job: str) -> None:
    """How far the frontier is, with Cancel."""
    record = api.get(job)
    if live.ended(record):
        st.rerun()
    _bar(job, "covering.trace.cancel")


def _bar(job: str, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        bar.progress(live.events(job))
        bar.cancel(job, key)


def spread(record: RunRecord, found: api.results.CoverResult, eps: float) -> None:
    """Histogram of the distances to the own centre and to the nearest enemy."""
    counts = api.covering.histogram(record.id)
    if counts is None or found.radius is None or found.norm is None:
        return
    with st.container(border=True, height="stretch"):
        st.markdown("**Distances of the train images**")
        figure = distances.chart(counts, radius=found.radius, eps=eps, norm=found.norm)
        draw(figure, "covering.distances", f"{record.id}-distances")
        st.caption(
            f"{counts['images']:,} train images, {found.norm}, pixels in [0, 1]. Enemy: the nearest train image of "
            "another class."
        )


@live.fragment
def gallery(record: RunRecord, classes: tuple[str, ...]) -> None:
    """Centres by weight, each with the farthest member of its ball beside it."""
    balls = api.covering.gallery(record.id)
    if not balls:
        return
    with st.container(border=True):
        st.markdown("**Centres by weight**, each with the farthest member of its ball at the right")
        if api.image(record.id) is None:
            names = {
                "centre": "train row",
                "weight": "train images",
                "radius": f"radius ({api.results.CoverResult.of(record).norm})",
            }
            table = {"ball": [b["ball"] for b in balls], "class": [classes[b["label"]] for b in balls]}
            table |= {title: [b[name] for b in balls] for name, title in names.items()}
            st.dataframe(pa.table(table), hide_index=True, height=260, key="covering.gallery.table")
            return
        pages = -(-len(balls) // SHOWN)
        first = st.number_input("Page", 1, pages, 1, key="covering.gallery.page") - 1 if pages > 1 else 0
        shown = balls[first * SHOWN : (first + 1) * SHOWN]
        for start in range(0, len(shown), COLUMNS):
            row = st.container(key=f"covering.gallery-row.{start}")
            for column, ball in zip(row.columns(COLUMNS), shown[start : start + COLUMNS], strict=False):
                label = words.plain(classes[ball["label"]], 60)
                name = f"class {label} · {ball['weight']:,} images · radius {ball['radius']:.3f}"
                picture = api.thumbnails(record.id, [ball["centre"], ball["far"]])
                column.image(picture, name, "stretch", output_format="PNG", alt=f"Centre and farthest member, {name}")
        norm = record.config["method"]["options"]["norm"]
        st.caption(f"{len(shown)} of {len(balls):,} balls; radii in {norm}, pixels in [0, 1].")


def rivals(record: RunRecord, classes: tuple[str, ...]) -> None:
    """Random, k-center, greedy and this engine: the radius at equal k, the centres at an equal radius."""
    found = api.covering.rivals(record.id)
    if found is None:
        return
    with st.container(border=True):
        st.markdown("**Other methods at equal k, and at an equal radius**")
        if "left_out" in found:
            st.caption(f"Not computed: {found['left_out']}")
            return
        table, norm = found["table"], found["norm"]
        rows: dict[str, list[Any]] = {"method": [METHODS[name] for name in METHODS]}
        rows[f"largest radius at equal k ({norm})"] = [max(r["radius"] for r in table[name]) for name in METHODS]
        rows[f"centres for radius {found['radius']:.4g}"] = [sum(r["centres"] for r in table[name]) for name in METHODS]
        for place, label in enumerate(found["labels"]):
            rows[f"radius, {classes[label]}"] = [table[name][place]["radius"] for name in METHODS]
        number = st.column_config.NumberColumn(format="%.4g")
        config = dict.fromkeys([name for name in rows if "radius" in name and "centres" not in name], number)
        st.dataframe(pa.table(rows), hide_index=True, key="covering.rivals", column_config=config)
        quick = " Its centres at the equal radius come from a quick search without a bound." if found["quick"] else ""
        st.caption(
            f"{api.results.CoverResult.of(record).train_images:,} train images. k of each class is this cover's. "
            f"Greedy drops redundant centres and uses at most k; random is one draw, seed {found['seed']}.{quick}"
        )


def _nothing_to_bound(chosen: Chosen, norm: str) -> None:
    """What would stand here, and the way to it."""
    st.markdown(
        "The loss of a network on all train images, attacked within ε, is at most its loss on the centres, weighted by "
        "the images of their balls and attacked within ε and the radius of each. Both sides are estimated and compared."
    )
    st.caption(f"No finished run was trained on these data and judged in {norm}: the bound needs one norm.")
    if st.button(f"Set up a run in {norm} in the Lab", key="covering.bound.train"):
        navigation.open_lab(DataConfig(**chosen.config["data"]), method="mfc", norm=norm)


def bound(record: RunRecord, chosen: Chosen) -> None:
    """Both sides of the bound for the model of a finished run, estimated by PGD."""
    with st.container(border=True, height="stretch"):
        st.markdown("**The bound for a trained model**, estimated by PGD")
        runs = {run.id: run for run in api.covering.models(record)}
        norm = record.config["method"]["options"]["norm"]
        if not runs:
            _nothing_to_bound(chosen, norm)
            return
        names = dict(zip(runs, naming.distinct([naming.called(run) for run in runs.values()]), strict=True))
        run = st.selectbox("Model", list(runs), key="covering.model", format_func=lambda name: names[name])
        infos = {info.name: info for info in api.covering.BoundConfig.describe()}
        left, right = st.columns(2)
        values: dict[str, Any] = {"eps": chosen.eps}
        with left:
            values["images"] = form.widget(infos["images"], "covering.bound.images", 500)
        with right:
            values["steps"] = form.widget(infos["steps"], "covering.bound.steps", 40)
        if st.button("Estimate both sides", key="covering.bound.go"):
            api.covering.submit_bound(record.id, run, values)
        jobs = api.covering.bounds(record.id)
        if jobs and not live.ended(jobs[0]):
            _estimating(jobs[0].id)
        elif jobs and jobs[0].status != "done":
            st.warning(words.plain(jobs[0].error) or f"The newest estimate was {jobs[0].status}.")
        done = next((job for job in jobs if job.status == "done"), None)
        if done is not None:
            _sides(api.results.BoundResult.of(done), names.get(done.config["run"], done.config["run"]))


@live.fragment(run_every=EVERY)
def _estimating(job: str) -> None:
    if live.ended(api.get(job)):
        st.rerun()
    _bar(job, "covering.bound.cancel")


def _sides(found: api.results.BoundResult, name: str) -> None:
    left, right = st.columns(2)
    left.metric("Left: adversarial loss", f"{found.left:.4g}")
    left.caption(f"mean over {found.images:,} train images within ε {found.eps:.4g}")
    right.metric("Right: generalised loss", f"{found.right:.4g}")
    right.caption(f"weighted mean over the {found.centres:,} centres that own them, within ε + radius of the ball")
    sign = ":green[as it must]" if found.holds else ":red[against the sign it must have: PGD missed maxima at right]"
    st.markdown(f"**Estimate.** Exact maxima give left ≤ right for every model; here {sign}.")
    st.caption(
        f"{words.plain(name, 120)} · {found.norm} · cross-entropy · PGD-{found.steps}, 1 restart, seed {found.seed} · "
        "PGD finds maxima from below, so neither number is a certificate."
    )
