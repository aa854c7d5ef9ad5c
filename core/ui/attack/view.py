"""An attack on the page: its settings, all its images at once, and one image step by step."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import api
from core.errors import ConfigError
from core.plots import attack_path, loss_surface
from core.types import RunRecord, usual_step
from core.ui import bar, form, glossary, live, naming, run_picker, trust, words
from core.ui.attack import plane_view
from core.ui.chart import draw, plotly

TITLES = {
    "pgd": "PGD, step by step",
    "fgsm": "FGSM, one step",
    "autoattack": "AutoAttack",
    "deepfool": "DeepFool, shortest",
    "carlini-wagner": "Carlini & Wagner, shortest",
}
LOSSES = {"ce": "cross-entropy", "margin": "margin", "dlr": "DLR loss"}
ADVANCED = ("step_size", "loss", "grid")
WELCOME = """
See adversarial images of a run's own test images form. Choose a run and an attack at the left and press **Attack**:
the images appear clean, with the perturbation to the scale of ε, and attacked; then any one of them step by step, with
the loss along the path and the loss around it. Move the budget ε and the images follow.

A handful of images shows *how* an attack works. *How many* images it breaks is a number for the page **Audit**.
"""
CONFIDENCE = "Softmax of the logits: how sure the model says it is, which is not how sure it may be"


def settings(record: RunRecord) -> dict[str, Any]:
    """Draw the form and return the settings as `api.submit_attack` takes them."""
    infos = {info.name: info for info in api.AttackConfig.describe()}
    help = f"{glossary.PGD}. Only PGD can be watched step by step; of the others the end is shown"
    chosen = form.select("Attack", list(TITLES), "attack.attack", "pgd", titles=TITLES, help=help)
    attack = next(name for name in api.ATTACK_NORMS if name == chosen)
    norm = run_picker.norm("attack", record, api.ATTACK_NORMS[attack])
    values: dict[str, Any] = {"attack": attack, "norm": norm}
    if attack not in api.MINIMAL_NORM:
        values["eps"] = run_picker.eps("attack", record, norm)
    if attack in ("pgd", *api.MINIMAL_NORM):
        values["steps"] = form.widget(infos["steps"], "attack.steps", 20 if attack == "pgd" else 50)
    values["images"] = form.widget(infos["images"], "attack.images", 10)
    values["rows"] = _rows()
    if attack == "pgd":
        with st.expander("More settings", key="attack.more"):
            values |= {name: form.widget(infos[name], f"attack.{name}", infos[name].default) for name in ADVANCED}
    return values


def _rows() -> list[int]:
    text = st.text_input(
        "Or test images by number",
        key="attack.rows",
        bind="query-params",
        placeholder="the same share of each class",
        help="Rows of the test split from 0 on, with commas between them, as 3, 14, 15",
    )
    try:
        return [int(part) for part in text.replace(" ", ",").split(",") if part]
    except ValueError:
        raise ConfigError(f"test images are chosen by whole numbers such as 3, 14, 15; got {text!r}") from None


@st.cache_resource(max_entries=8, show_spinner=False)
def _playback(job: str) -> Any:
    return api.playback(job)


def head(record: RunRecord) -> None:
    """What was attacked."""
    found = api.results.AttackResult.of(record)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(naming.title(record), anchor=False, width="content")
        trust.state_badge(found.model_run)


def numbers(record: RunRecord) -> None:
    """How many were right and fell, how far they were moved, and under which attack."""
    found, config = api.results.AttackResult.of(record), record.config["attack"]
    fooled, right, images = st.columns(3)
    fooled.metric("Fooled", f"{found.fooled} of {found.right}", help="Right before the attack and wrong after it")
    right.metric("Right without attack", f"{found.right} of {found.images}")
    length = found.median_length
    images.metric(
        f"Median length ({config['norm']})",
        "–" if length is None else words.budget(length, _rgb(record)),
        help="Of the perturbations that fooled the model, in pixels of [0, 1]",
    )
    st.caption(f"{conditions(record)}. A few images to look at: no estimate of robust accuracy.")


def conditions(record: RunRecord) -> str:
    """The attack with its settings, images and seed."""
    config, found = record.config["attack"], api.results.AttackResult.of(record)
    steps = f"-{config['steps']}" if config["attack"] == "pgd" else ""
    parts = [TITLES[config["attack"]].split(",")[0] + steps, config["norm"]]
    if config["attack"] not in api.MINIMAL_NORM:
        parts.append(f"ε {words.budget(config['eps'], _rgb(record))}")
    if config["attack"] == "pgd":
        size = config["step_size"] or usual_step(config["eps"], config["steps"])
        parts += [f"step {size:.3g}", "1 random start", LOSSES[config["loss"]]]
    return " · ".join([*parts, f"{found.images} test images", f"seed {found.seed}"])


def sheet(record: RunRecord) -> None:
    """All images at once: clean, perturbation, attacked; points of the plane over the class regions."""
    if plane_view.in_plane(record):
        if (found := _playback(record.id)) is not None:
            plane_view.overview(record, found)
        return
    found = _playback(record.id)
    if found is None:
        return
    with st.container(border=True):
        st.markdown(f"**Clean · perturbation · attacked**, one column per image; perturbation: {_scale(record)}")
        alt = f"Three rows: clean images, their perturbations, {_scale(record)}, and the attacked images"
        picture = api.sheet(found, _full(record))
        st.image(picture, output_format="PNG", width="stretch", alt=alt)


def _full(record: RunRecord) -> float:
    """The change of a pixel that is drawn in full colour; attacks of earlier versions do not say: their ε."""
    told, config = api.results.AttackResult.of(record).full, record.config["attack"]
    if told is not None:
        return told
    found = _playback(record.id)
    bounded = config["norm"] == "Linf" and config["attack"] not in api.MINIMAL_NORM and config["eps"] > 0
    return config["eps"] if bounded else float(abs(found.attacked - found.frames[:, 0]).max()) or 1.0


def _scale(record: RunRecord) -> str:
    """What full colour means in a perturbation."""
    config, full = record.config["attack"], _full(record)
    if full == config["eps"] and config["norm"] == "Linf":
        return f"full colour is ε = {words.budget(full, _rgb(record))}"
    return f"full colour is {full:.3g}, the largest change of a pixel"


@live.fragment
def one(record: RunRecord) -> None:
    """One image with its way under attack; moving the slider redraws only this."""
    found, names = _playback(record.id), api.results.AttackResult.of(record).classes
    if found is None:
        st.warning("The images of this attack were removed: press Attack again.")
        return
    count, last = len(found.rows), found.frames.shape[1] - 1
    label = {i: words.plain(_label(found, i, names), 120) for i in range(count)}
    image = st.pills("Image: true class → class after the attack", list(label), default=_first(found), required=True,
                     format_func=lambda i: label[i], key=f"attack.image.{record.id}")  # fmt: skip
    moments = "percent of the way" if found.line else "step"
    with st.container(border=True):
        left, right = st.columns(2, gap="large")
        with right:
            now = _moment(record, found, image, last)
            _curves(record, found, image, now, moments)
        with left:
            _pictures(record, image, now)
    with st.container(border=True):
        _surface(record, found, image)


def _first(found: Any) -> int:
    """The first image that was fooled, else the first."""
    fooled = found.fooled.nonzero()[0]
    return int(fooled[0]) if len(fooled) else 0


def _label(found: Any, image: int, names: Sequence[str]) -> str:
    true = names[found.y[image]]
    end = names[found.probability[image, found.best[image]].argmax()]
    if found.margin[image, 0] > 0:
        return f"{true}, wrong before"
    return f"{true} → {end}" if end != true else f"{true} stands"


def _moment(record: RunRecord, found: Any, image: int, last: int) -> int:
    """The moment in view; at first the one that is worst for the model."""
    key = f"attack.moment.{record.id}.{image}"
    if found.line:
        text = {i: f"{100 * i / last:.0f} % of the way" for i in range(last + 1)}
    else:
        text = {0: "clean", 1: "random start"} | {i: f"step {i - 1} of {last - 1}" for i in range(2, last + 1)}
    return st.select_slider(
        "Moment of the attack", list(text), int(found.best[image]), format_func=text.get, key=key,
        help="Left and right arrow keys move one step",
    )  # fmt: skip


def _pictures(record: RunRecord, image: int, now: int) -> None:
    """The image clean, its perturbation and attacked, with what the model says of each."""
    found, names = _playback(record.id), api.results.AttackResult.of(record).classes
    full = _full(record)
    if plane_view.in_plane(record):
        plane_view.one(record, found, image, now)
    elif st.toggle("Play", key="attack.play", help="Show every moment in turn"):
        st.image(
            _film(record.id, image, full), output_format="PNG", width="stretch", alt="The attack, moment by moment"
        )
    else:
        titles = ("clean", "perturbation, to the scale above", "attacked")
        with st.container(key="attack.three"):
            for column, title, picture in zip(st.columns(3), titles, api.frame(found, image, now, full), strict=True):
                column.image(picture, output_format="PNG", width="stretch", alt=f"Image {image}, {title}")
                column.caption(title)
    for title, moment in (("Clean", 0), ("Attacked", now)):
        shares = found.probability[image, moment]
        top = shares.argsort()[::-1][:2]
        first, second = (f"{names[c]} {words.percent(float(shares[c]))}" for c in top)
        mark = "✓" if top[0] == found.y[image] else "✕"
        st.markdown(f"{title}: {mark} **{first}**, then {second}", help=CONFIDENCE)
    st.caption(f"Test image {found.rows[image]}, of class {names[found.y[image]]}.")


@st.cache_resource(max_entries=16, show_spinner=False)
def _film(job: str, image: int, full: float) -> bytes:
    return api.film(_playback(job), image, full)


def _curves(record: RunRecord, found: Any, image: int, now: int, moments: str) -> None:
    what = LOSSES[record.config["attack"]["loss"]]
    reached = int(found.probability[image, found.best[image]].argmax())
    true = int(found.y[image])
    shares, file = found.probability[image], f"{record.id}-image-{found.rows[image]}"
    left, right = st.columns(2)
    with left:
        st.markdown("**Loss along the path**")
        losses, margins = found.loss[image].tolist(), found.margin[image].tolist()
        draw(attack_path.loss(losses, margins, now, what, moments), "attack.loss", f"{file}-loss")
    with right:
        st.markdown("**Confidence in the true and the new class**", help=CONFIDENCE)
        other = None if reached == true else shares[:, reached].tolist()
        figure = attack_path.confidence(shares[:, true].tolist(), other, now, moments)
        draw(figure, "attack.confidence", f"{file}-confidence")
    if found.line:
        st.caption("This attack tells only its end. The moments lie on the straight line to it, not on its own path.")


def _surface(record: RunRecord, found: Any, image: int) -> None:
    """The loss on a plane through the clean image, with a sentence on how to read it."""
    config = record.config["attack"]
    what, unit = LOSSES[config["loss"]], f"{found.radius[image]:.3g} ({config['norm']})"
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        figure = loss_surface.figure(found.side, found.surface[image], found.surface_margin[image], what, unit)
        alt, file = f"The {what} on a plane through the image", f"{record.id}-image-{found.rows[image]}-surface"
        st.plotly_chart(figure, key="attack.surface", config=plotly(file), alt=alt)
    with right:
        st.markdown("**The loss around this image**")
        st.markdown(
            "Right is along the gradient of the loss at the clean image, up is a random direction of the same length. "
            "A smooth slope to the right is what an honest model shows. A flat plain with a far cliff, or hills that "
            "are as high upwards as to the right, means that gradients mislead the attack: run the audit."
        )
        beyond = bool((found.surface_margin[image] > 0).any())
        st.caption(
            ("The line is where the class changes. " if beyond else "The class changes nowhere on this plane. ")
            + f"{len(found.side)}×{len(found.side)} points, clipped to pixels of [0, 1]; one of many planes."
        )


def stop(job: str) -> None:
    """Cancel an attack unless it has ended."""
    if not live.ended(api.get(job)) and api.visitors.may_change(api.get(job)):
        api.cancel(job)


@live.fragment(run_every=live.EVERY)
def waiting(job: str) -> None:
    """Progress of an attack with Cancel; draws the page anew when it ends."""
    record = api.get(job)
    if live.ended(record):
        st.rerun()
    with st.container(border=True):
        bar.progress(live.events(job))
        bar.cancel(job, "attack.cancel")


def _rgb(record: RunRecord) -> bool:
    return api.results.AttackResult.of(record).rgb and record.config["attack"]["norm"] == "Linf"
