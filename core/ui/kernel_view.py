"""What the Kernel page shows: the support over time, networks of growing width, the spectrum, and what to believe."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import spectrum, width_curve
from core.types import RunRecord
from core.ui import form, live, pick, words
from core.ui.chart import draw

ATTACKS = {"clean": "No attack", "fgsm": "FGSM", "pgd": "PGD-20", "strong": "PGD-20 + margin-PGD"}
GAP = 0.10  # FGSM minus strong above which the weak attack misleads
WIDTHS = (64, 256, 1024, 4096, 8192)
TITLES = {"width": "Width curve", "architectures": "All networks"}


def run() -> RunRecord | None:
    """A list of the finished runs with a condensed set, learned ones first; None when there are none."""
    found = {record.id: record for record in api.supports()}
    if not found:
        return None
    names = words.distinct([record.name or record.id for record in found.values()])
    chosen = form.select(
        "Run", list(found), "kernel.run", next(iter(found)), titles=dict(zip(found, names, strict=True)),
        help="Finished runs with a condensed set; those of adv-KIP and KIP first",
    )  # fmt: skip
    return found[chosen]


def settings(record: RunRecord) -> dict[str, Any]:
    """Draw the form; the settings of a comparison without `what`."""
    norm = pick.norm("kernel", record, ("Linf", "L2"))
    values = {"norm": norm, "eps": pick.eps("kernel", record, norm, least=1)}
    widest = st.select_slider(
        "Widest network", WIDTHS, WIDTHS[2], key="kernel.widest", help="Units per hidden layer; the kernel comes last"
    )
    values["widths"] = [width for width in WIDTHS if width <= widest]
    infos = {info.name: info for info in api.WidthConfig.describe()}
    for name in ("images", "epochs", "seeds"):
        values[name] = form.widget(infos[name], f"kernel.{name}", infos[name].default)
    return values


@st.fragment(run_every=live.EVERY)
def waiting(jobs: Sequence[str]) -> None:
    """Progress and live accuracies of queued and running comparisons with Cancel; draws the page anew at the end."""
    records = [api.get(job) for job in jobs]
    if any(live.ended(record) for record in records):
        st.rerun()
    for record in records:
        events = live.events(record.id)
        last = events[-1] if events else None
        judged = next((event.values for event in reversed(events) if "strong_acc" in event.values), None)
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            share = last.done / last.total if last and last.total else 0.0
            title = TITLES[record.config["width"]["what"]]
            st.progress(min(share, 1.0), text=f"**{title}** · {words.progress(events)}")
            if judged:
                chosen = record.config["width"]
                st.caption(
                    f"Last stop: clean {words.percent(judged['clean_acc'])}, strong "
                    f"{words.percent(judged['strong_acc'])} at {chosen['norm']} ε {chosen['eps']:.4g}"
                )
            if st.button("Cancel", key=f"kernel.cancel.{record.id}"):
                api.cancel(record.id)
                st.rerun()


@st.fragment
def support(record: RunRecord) -> None:
    """The condensed images at a moment, and what has changed since the first."""
    st.header("Support images", anchor=False)
    steps = api.moments(record.id)
    if len(steps) < 2:
        if (picture := api.image(record.id)) is not None:
            words_of = "Final condensed images; no earlier pictures are stored for this run"
            st.image(picture, caption=words_of, output_format="PNG", alt="Final condensed images, a row for each class")
        return
    step = st.select_slider("Step", steps, steps[-1], key=f"kernel.step.{record.id}")
    now, change = api.support_at(record.id, steps.index(step))
    left, right = st.columns(2)
    left.image(
        now,
        f"Step {step:,}",
        420,
        output_format="PNG",
        alt=f"Condensed images after step {step:,}, a row for each class",
    )
    words_of = f"Difference to step {steps[0]:,}, × 10 around grey"
    right.image(change, words_of, 420, output_format="PNG", alt=f"{words_of}, a row for each class")


def believe(found: Mapping[str, Any]) -> None:
    """FGSM, PGD-20, the strong pair and the share of zero gradients side by side, with a warning for each gap."""
    st.header("What to believe", anchor=False)
    rows = found["rows"]
    gaps = [(row["title"], row["fgsm_acc"] - row["strong_acc"]) for row in rows]
    wide = [f"{title} ({100 * gap:.0f} points)" for title, gap in gaps if gap > GAP]
    if wide:
        st.warning(
            "FGSM is more than 10 points above the strong attack for " + ", ".join(dict.fromkeys(wide))
            + ": there the FGSM number says little about robustness. Believe the strong one."
        )  # fmt: skip
    else:
        st.info("FGSM is within 10 points of the strong attack for every model here.")
    chance = 1 / len(found["classes"])
    lost = [row["title"] for row in rows if row["clean_acc"] < 2 * chance]
    if lost:
        st.warning(
            "These models are hardly better than guessing without an attack, so their gap means nothing: "
            + ", ".join(dict.fromkeys(lost))
        )
    table: dict[str, list[str]] = {"Model": [f"{row['title']}, seed {row['seed']}" for row in rows]}
    for name, title in ATTACKS.items():
        table[title] = [
            f"{words.percent(row[f'{name}_acc'])} ({words.between(row[f'{name}_interval'])})" for row in rows
        ]
    table["Zero gradient"] = [words.percent(row["zero_gradient"]) for row in rows]
    st.dataframe(pa.table(table), hide_index=True, key=f"kernel.believe.{found['what']}")
    st.caption(_conditions(found))


def curve(found: Mapping[str, Any]) -> None:
    """Accuracy against width with the kernel as last stop."""
    st.header("From network to kernel", anchor=False)
    draw(width_curve.chart(found["rows"], found["attacks"]["strong"]), "kernel.curve")
    st.caption(
        f"Strong: {found['attacks']['strong']} · {found['eval_images']:,} test images · bars are 95 % intervals · "
        f"seed {found['seed']} · standard training on {found['budget']:,} images, {found['epochs']:,} epochs"
    )


def eigenvalues(found: Mapping[str, Any]) -> None:
    """The kernel's spectrum on the support."""
    st.header("Kernel spectrum", anchor=False)
    draw(spectrum.chart(found["spectrum"], found["ridge"]), "kernel.spectrum")
    st.caption(
        f"{found['kernel']} on {found['budget']:,} support images · dashed: ridge {found['ridge']:.3g} × mean "
        f"eigenvalue · largest |α| {found['alpha_max']:.3g} · added jitter {found['jitter']:.2g}"
    )


def _conditions(found: Mapping[str, Any]) -> str:
    attacks = " · ".join(sentence for name, sentence in found["attacks"].items() if name != "clean")
    return f"{attacks} · {found['eval_images']:,} test images · 95 % intervals · attack seed {found['seed']}"
