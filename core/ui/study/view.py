"""What the Study page shows: a form, how far the study is, its Pareto plot and its table."""

from collections.abc import Sequence
from dataclasses import asdict
from math import sqrt
from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.api.study import Row, Study
from core.plots import pareto
from core.ui import form, naming, navigation, paper, published, words
from core.ui.chart import draw, headings

EVERY = 2.0  # seconds between two looks at a study that goes on
TEXTS = {"ipc": "10", "eps": "0.1, 0.2"}
IN_PLANE = {"eps": "0.05, 0.1"}  # a gap between moons is some 0.2 wide
DIFFERENCES = {
    "over random": "above random selection at the same budget and training",
    "below full": "that are lost against the full train split",
}
TITLES = words.HEADLINES


def settings() -> tuple[str, dict[str, Any]]:
    """Draw the form; a name and the settings of a study as `api.study.begin` takes them."""
    infos = {info.name: info for info in api.study.StudyOptions.describe()}
    mine = api.uploads()
    names = [name for name, row in api.DATASETS.items() if row.kind != "file"] + mine
    name = st.text_input(
        "Name of the study", "transfer", key="study.name", bind="query-params", help="A study is continued by its name"
    )
    data = form.select(
        "Data set", names, "study.data", "digits", titles=naming.titles(names), new=True,
        help="A name, or the path of an .npz, a folder or a zip",
    )  # fmt: skip
    plane = api.plane.is_plane(data)
    network = form.select(
        "Network", list(api.NETWORKS), "study.network", "mlp" if plane else "small-cnn",
        titles=naming.titles(api.NETWORKS), help="Trained on every condensed set; points of the plane take an MLP",
    )  # fmt: skip
    methods = form.several(
        "Methods", [m for m in api.METHODS if m != "full"], "study.methods", ("random", "k-means", "mfc"),
        titles=api.naming.titles(), help="Compared at equal numbers of images per class",
    )  # fmt: skip
    values = {"methods": ",".join(methods)}
    for option, text in (TEXTS | IN_PLANE if plane else TEXTS).items():
        key = f"study.{option}"
        form.follow(key, text)
        label, help = form.label(infos[option]), infos[option].help
        values[option] = st.text_input(label, text, key=key, help=help, bind="query-params", **form.noted(key))
    chosen = api.options({key: text.replace(" ", "") for key, text in values.items()}, api.study.StudyOptions)
    for option in ("norm", "seeds", "networks"):
        chosen[option] = form.widget(infos[option], f"study.{option}", infos[option].default)
    with st.expander("More settings", key="study.more"):
        for option in ("epochs", "full_epochs", "reference_seeds", "attack", "attack_images", "images", "attack_steps"):
            chosen[option] = form.widget(infos[option], f"study.{option}", infos[option].default)
    return name, {"data": {"name": data}, "network": {"name": network}, **chosen}


def progress(name: str) -> None:
    """How far it is, what is going on, and the button that goes on or stops; a new result draws the page anew."""
    done, total = api.study.progress(name)
    going = api.study.at_work(name)
    if st.session_state.get("study.seen", (name, done)) != (name, done):
        st.session_state["study.seen"] = (name, done)
        st.rerun()
    st.session_state["study.seen"] = (name, done)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        where = f" · now: {going[0].name.partition(' · ')[2]}" if going else ""
        st.progress(done / total if total else 1.0, text=f"**{done} of {total} runs done**{where}")
        if going and st.button("Stop", key="study.stop"):
            api.study.stop(name)
            st.rerun()
        if not going and done < total and st.button("Go on", key="study.go", type="primary"):
            api.study.start(name)
            st.rerun()
    if not going and done < total and (last := api.study.log(name)):
        st.caption(f"It said last: {last}")


def results(name: str, study: Study, rows: Sequence[Row]) -> None:
    """The plot and the table for one attack radius, of what is done of a study."""
    if not rows:
        st.info("No run of this study is done yet.")
        return
    found = list(dict.fromkeys(row.eps for row in rows))
    eps = st.segmented_control(
        "Attack budget ε", found, default=found[0], required=True, key="study.at", format_func=lambda e: f"{e:.4g}"
    )
    shown = [row for row in rows if row.eps == eps]
    attack = f"{TITLES[study.attack]}, {study.norm} ε {eps:.4g}"
    figure = pareto.chart([asdict(row) for row in shown], attack, api.naming.titles())
    draw(figure, f"study.pareto.{len(shown)}", f"study-{name}-eps-{eps:.4g}")
    st.caption(
        "The dashed line joins rows that no other row beats on both axes; bars are one standard deviation over seeds. "
        + conditions(study)
    )
    _table(shown, study)
    paper.of_study(name, eps, figure, "study.paper")
    published.show(study.data.name, study.ipc, study.norm, eps, "study.published", limited=study.data.limit is not None)


def conditions(study: Study) -> str:
    """What the numbers were measured with."""
    half = 98 / sqrt(study.attack_images)
    step = 2.5 / study.attack_steps
    return (
        f"{api.naming.network(study.network.name)} · {study.epochs:,} epochs ({study.full_epochs:,} on the full data) "
        f"· clean accuracy and PGD-{study.attack_steps} (CE, step {step:.3g} ε, 1 restart) on {study.images:,} test "
        f"images, {TITLES[study.attack]} on {study.attack_images:,}, drawn anew for each seed: one seed's number alone "
        f"has a 95 % interval of up to ± {half:.0f} points"
    )


def _table(rows: Sequence[Row], study: Study) -> None:
    headline = TITLES[study.attack]
    columns: dict[str, list[Any]] = {
        "Method": [api.naming.method(row.method) for row in rows],
        "Images": [round(row.budget) for row in rows],
        "Training": [api.naming.training(row.training) for row in rows],
        "Seeds": [row.seeds for row in rows],
        "Networks": [row.networks for row in rows],
    }
    for title, field in (("Clean", "clean"), ("PGD", "pgd"), (headline, "attacked")):
        columns[f"{title} %"] = [round(100 * getattr(row, field), 1) for row in rows]
        columns[f"± {title}"] = [_spread(getattr(row, f"{field}_std")) for row in rows]
    columns |= {
        "Clean over random": [words.difference(row.clean_gain) for row in rows],
        f"{headline} over random": [words.difference(row.attacked_gain) for row in rows],
        "Clean below full": [words.difference(row.clean_distance) for row in rows],
        f"{headline} below full": [words.difference(row.attacked_distance) for row in rows],
        "Clean retained": [row.clean_retained for row in rows],
        "Robust retained": [row.attacked_retained for row in rows],
        "Condense s": [round(row.condense_s, 1) for row in rows],
        "Train s": [round(row.train_s, 1) for row in rows],
        "Memory MB": [round(row.memory_mb) for row in rows],
    }
    number = st.column_config.NumberColumn
    event = st.dataframe(
        pa.table(columns), hide_index=True, key=f"study.table.{len(rows)}", on_select="rerun",
        selection_mode="single-row", alt="The rows of the study at this attack radius",
        column_config={
            **headings(columns),
            "Clean retained": number(format="%.2f", help="Clean accuracy divided by that of the full train split"),
            "Robust retained": number(format="%.2f", help=f"{headline} accuracy divided by that of the full split"),
            **{
                f"{name} {of}": st.column_config.Column(help=f"Percentage points {told}, with 95 % interval")
                for name in ("Clean", headline)
                for of, told in DIFFERENCES.items()
            },
            "Condense s": number(help="Wall seconds of condensing, mean over seeds"),
            "Train s": number(help="Wall seconds of training all networks of a set, mean over seeds"),
            "Memory MB": number(help="Largest resident memory of any of the runs"),
        },
    )  # fmt: skip
    if chosen := event.selection.rows:
        _runs(rows[chosen[0]])
    else:
        st.caption("± is the standard deviation over seeds. Select a row to open its runs.")


def _spread(std: float | None) -> float | None:
    return None if std is None else round(100 * std, 1)


def _runs(row: Row) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        how = f"{api.naming.method(row.method)}, {api.naming.training(row.training)}"
        st.caption(f"Runs of {how}, ε {row.eps:.4g}:", width="content")
        for seed, run_id in enumerate(row.runs):
            if st.button(f"Run {seed + 1}", key=f"study.run.{run_id}"):
                navigation.open_run(run_id)
