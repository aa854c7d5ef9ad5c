"""What the Kernel page shows: the support over time, networks of growing width, the spectrum, and what to believe."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import spectrum, width_curve
from core.types import RunRecord
from core.ui import bar, form, glossary, live, naming, run_picker, words
from core.ui.chart import draw, headings

ATTACKS = {"clean": "No attack", "fgsm": "FGSM", "pgd": "PGD-20", "strong": "PGD-20 + margin-PGD"}
AUDITED = "the networks are not kept, so only the kernel can be audited: see below"
GAP = 0.10  # FGSM minus strong above which the weak attack misleads
WIDTHS = (64, 256, 1024, 4096, 8192)
PRICE = (
    "By the speed of earlier comparisons on such images, if every image withstood every attack. Every comparison first "
    "measures the speed of its networks on this device, says what it takes, and refuses what the memory cannot hold"
)
TITLES = {"width": "Width curve", "architectures": "All networks"}


def run() -> RunRecord | None:
    """A list of the finished runs with a condensed set, learned ones first; None when there are none."""
    found = {record.id: record for record in api.supports()}
    if not found:
        return None
    chosen = form.select(
        "Run", list(found), "kernel.run", next(iter(found)), titles=naming.named(list(found.values())),
        help="Finished runs with a condensed set; those of adv-KIP and KIP first",
    )  # fmt: skip
    return found[chosen]


def settings(record: RunRecord) -> dict[str, Any]:
    """Draw the form; the settings of a comparison without `what`."""
    norm = run_picker.norm("kernel", record, ("Linf", "L2"))
    values: dict[str, Any] = {"norm": norm, "eps": run_picker.eps("kernel", record, norm, least=1)}
    widest = st.select_slider(
        "Widest network",
        WIDTHS,
        WIDTHS[2],
        key="kernel.widest",
        bind="query-params",
        help="Units per hidden layer; the kernel comes last",
    )
    values["widths"] = [width for width in WIDTHS if width <= widest]
    infos = {info.name: info for info in api.WidthConfig.describe()}
    for name in ("images", "epochs", "seeds"):
        values[name] = form.widget(infos[name], f"kernel.{name}", infos[name].default)
    titles = naming.titles(api.NETWORKS)
    values["networks"] = st.multiselect(
        "Networks", list(titles), [], format_func=lambda name: titles[name], key="kernel.networks", bind="query-params",
        placeholder="every network", help="For *Compare all networks*; large ones take most of the time on a CPU",
    )  # fmt: skip
    with st.expander("Training", key="kernel.training"):
        for name in ("loss", "lazy", "centred"):
            values[name] = form.widget(infos[name], f"kernel.{name}", infos[name].default)
    return values


def price(record: RunRecord, chosen: Mapping[str, Any]) -> None:
    """What each comparison would take, before it starts; a job measures it anew and says so first."""
    parts = []
    for what, title in TITLES.items():
        seconds = api.width_seconds(record.id, {**chosen, "what": what})
        parts.append(f"{title}: {'not measured here yet' if seconds is None else f'about {words.duration(seconds)}'}")
    st.caption(f"{' · '.join(parts)}", help=PRICE)


@live.fragment(run_every=live.EVERY)
def waiting(jobs: Sequence[str]) -> None:
    """Progress and live accuracies of queued and running comparisons with Cancel; draws the page anew at the end."""
    records = [api.get(job) for job in jobs]
    if any(live.ended(record) for record in records):
        st.rerun()
    for record in records:
        events = live.events(record.id)
        judged = next((event.values for event in reversed(events) if "strong_acc" in event.values), None)
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            bar.progress(
                events, TITLES[record.config["width"]["what"]] if record.kind == "width" else "Audit of the kernel"
            )
            if told := next((event.note for event in events if "price_s" in event.values), ""):
                st.caption(f"Measured at the start: {told}")
            if judged:
                chosen = record.config["width"]
                st.caption(
                    f"Last stop: clean {words.percent(judged['clean_acc'])}, strong "
                    f"{words.percent(judged['strong_acc'])} at {chosen['norm']} ε {chosen['eps']:.4g}"
                )
            bar.cancel(record.id, f"kernel.cancel.{record.id}")


@live.fragment
def support(record: RunRecord) -> None:
    """The condensed images at a moment, and what has changed since the first."""
    st.header("Support images", anchor=False)
    steps = api.moments(record.id)
    if len(steps) < 2:
        if (picture := api.image(record.id)) is not None:
            words_of = "Final condensed images; no earlier pictures are stored for this run"
            alt = "Final condensed images, a row for each class"
            st.image(picture, caption=words_of, width="stretch", output_format="PNG", alt=alt)
        return
    step = st.select_slider("Step", steps, steps[-1], key=f"kernel.step.{record.id}")
    judged = record.config.get("evaluation", {})
    eps = judged.get("eps") if judged.get("norm") == "Linf" else None
    now, change, largest = api.support_at(record.id, steps.index(step), eps)
    left, right = st.columns(2)
    alt = f"Condensed images after step {step:,}, a row for each class"
    left.image(now, f"Step {step:,}", "stretch", output_format="PNG", alt=alt)
    scale = f"full colour is ε = {eps:.4g} (Linf)" if eps else "full colour is the largest change"
    full = f"{scale}, the largest change is {largest:.2g}" if largest else "nothing has changed yet"
    words_of = f"Difference to step {steps[0]:,} around grey; {full}"
    right.image(change, words_of, "stretch", output_format="PNG", alt=f"{words_of}, a row for each class")
    for column, what, data in ((left, "images", now), (right, "difference", change)):
        column.download_button(
            f"Download {what}", data, f"{record.id}-step-{step}-{what}.png", "image/png", on_click="ignore",
            key=f"kernel.download.{what}.{record.id}",
        )  # fmt: skip


def believe(found: api.results.WidthResult) -> None:
    """FGSM, PGD-20, the strong pair and the share of zero gradients side by side, with a warning for each gap."""
    rows = api.results.rows(found.rows)
    st.markdown(f"### {sentence(rows)}")
    if strong := found.attacks.get("strong"):
        st.caption(f"The strong attack: {strong}, on {found.eval_images:,} test images.")
    st.header("What to believe", anchor=False)
    gaps = {title: _mean(group, "fgsm_acc") - _mean(group, "strong_acc") for title, group in _groups(rows).items()}
    wide = [f"{title} ({100 * gap:.0f} points)" for title, gap in gaps.items() if gap > GAP]
    if wide:
        st.warning(
            "FGSM is more than 10 points above the strong attack for " + ", ".join(wide)
            + ": there the FGSM number says little about robustness. Believe the strong one."
        )  # fmt: skip
    else:
        st.info("FGSM is within 10 points of the strong attack for every model here.")
    chance = 1 / len(found.classes)
    lost = [row["title"] for row in rows if row["clean_acc"] < 2 * chance]
    if lost:
        st.warning(
            "These models are hardly better than guessing without an attack, so their gap means nothing: "
            + ", ".join(dict.fromkeys(lost))
        )
    table = _table(rows, _audited(found))
    st.dataframe(pa.table(table), hide_index=True, key=f"kernel.believe.{found.what}", column_config=headings(table))
    st.caption(f"{_conditions(found)} · {AUDITED}")


def sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """The finding in one sentence: robust accuracy of the kernel beside that of the networks."""
    means = {title: (group[0], _mean(group, "strong_acc")) for title, group in _groups(rows).items()}
    kernel = next((share for first, share in means.values() if first["network"] == "kernel"), None)
    others = {title: share for title, (first, share) in means.items() if first["network"] != "kernel"}
    if kernel is None or not others:
        return "Robust accuracy under the strong attack"
    parts = [f"{title.replace(', width', ' of width')}: {100 * share:.0f} %" for title, share in others.items()]
    ends = parts if len(parts) < 3 else [parts[0], parts[-1]]
    return f"Kernel: {100 * kernel:.0f} % robust, {', '.join(ends)}; all under the strong attack"


def _audited(found: api.results.WidthResult) -> str:
    """The state of the kernel's audit."""
    return api.audit_state(found.model_run, "kernel") if found.model_run else "not run"


def _table(rows: Sequence[Mapping[str, Any]], state: str) -> dict[str, list[str]]:
    """A row for each stop: with one network its 95 % interval, with several mean, deviation and range over seeds."""
    groups = _groups(rows)
    names = [title if len(group) > 1 else f"{title}, seed {group[0]['seed']}" for title, group in groups.items()]
    table: dict[str, list[str]] = {"Model": names}
    if any(len(group) > 1 for group in groups.values()):
        table["Networks"] = [str(len(group)) for group in groups.values()]
    for name, title in ATTACKS.items():
        table[title] = [_share(group, name) for group in groups.values()]
    table["Audit"] = [state if group[0]["network"] == "kernel" else "not run" for group in groups.values()]
    table["Zero gradient"] = [words.percent(_known(group, "zero_gradient")) for group in groups.values()]
    if all("train_loss" in row for row in rows):
        losses = [_known(group, "train_loss") for group in groups.values()]
        table["Loss on the set"] = ["–" if loss is None else f"{loss:.2g}" for loss in losses]
    return table


def _groups(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Rows of the same model with other seeds."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["title"], []).append(row)
    return groups


def _share(group: Sequence[Mapping[str, Any]], name: str) -> str:
    """One accuracy of a stop."""
    found = [row[f"{name}_acc"] for row in group]
    if len(found) == 1:
        return f"{words.percent(found[0])} ({words.between(group[0][f'{name}_interval'])})"
    spread = words.spread(statistics.fmean(found), statistics.stdev(found))
    return f"{spread} ({100 * min(found):.1f} to {100 * max(found):.1f})"


def _mean(group: Sequence[Mapping[str, Any]], name: str) -> float:
    return statistics.fmean(row[name] for row in group)


def _known(group: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The same of a number that the kernel, or an older comparison, may not have."""
    return None if any(row[name] is None for row in group) else _mean(group, name)


@live.fragment
def curve(found: api.results.WidthResult) -> None:
    """Accuracy against width with the kernel as last stop, and a slider over the stops with what each attack says."""
    st.header("From network to kernel", anchor=False)
    rows = api.results.rows(found.rows)
    stops = list(dict.fromkeys(map(width_curve.stop, rows)))
    chosen = st.select_slider(
        "Width", stops, stops[-1], key=f"kernel.stop.{'.'.join(stops)}", help="Units per layer; the kernel is the limit"
    )
    group, last = [row for row in rows if width_curve.stop(row) == chosen], chosen == width_curve.KERNEL
    with st.container(key="kernel.stop"):
        with st.container(key="kernel.stop.numbers"):
            for column, name in zip(st.columns(len(ATTACKS)), ATTACKS, strict=True):
                title = "Strong" if name == "strong" else ATTACKS[name]
                column.metric(title, words.percent(_mean(group, f"{name}_acc")), help=_meaning(found, name))
        with st.container(key="kernel.stop.pictures"):
            draw(width_curve.chart(rows, found.attacks["strong"], chosen), "kernel.curve", _file(found, "widths"))
    strong = found.attacks["strong"]
    how = found.training or f"standard training, {found.epochs:,} epochs"  # older comparisons say less
    st.caption(
        f"Strong: {strong} · {found.eval_images:,} test images · bars are 95 % intervals, "
        f"bands go from the lowest to the highest of {found.seeds} networks · {how} on {found.budget:,} images · "
        f"attack seed {found.seed} · audit of {'the kernel' if last else 'the networks'}: "
        f"{_audited(found) if last else 'not run'}"
    )


def _meaning(found: api.results.WidthResult, name: str) -> str:
    """What an accuracy is of, with the attack and its settings."""
    said = glossary.ATTACKS.get(name, glossary.CLEAN)
    return said if name == "clean" else f"{said}. Here: {found.attacks[name]}"


def eigenvalues(found: api.results.WidthResult) -> None:
    """The kernel's spectrum on the support."""
    if found.ridge is None:
        return
    st.header("Kernel spectrum", anchor=False)
    draw(spectrum.chart(found.spectrum, found.ridge), "kernel.spectrum", _file(found, "spectrum"))
    st.caption(
        f"{found.kernel} on {found.budget:,} support images · dashed: ridge {found.ridge:.3g} × mean "
        f"eigenvalue · largest |α| {found.alpha_max:.3g} · added jitter {found.jitter:.2g}"
    )


def _file(found: api.results.WidthResult, what: str) -> str:
    """What a saved figure is called."""
    return f"{found.model_run or 'kernel'}-{what}"


def _conditions(found: api.results.WidthResult) -> str:
    attacks = " · ".join(sentence for name, sentence in found.attacks.items() if name != "clean")
    return f"{attacks} · {found.eval_images:,} test images · 95 % intervals · attack seed {found.seed}"
