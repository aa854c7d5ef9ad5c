"""One test image under the nearest-neighbour classifier: its two nearest condensed images, its ball, an attack."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core import api
from core.plots import ball
from core.types import Explained, RunRecord
from core.ui import live, tiles, words
from core.ui.chart import draw

WHOSE = "Nearest neighbour on the condensed set, not the network."
DUAL = {"Linf": "1", "L2": "2", "L1": r"\infty"}
WHAT = (
    "The classifier says the class of the nearest condensed image. For the answer to change, some image b of another "
    "class must become nearer than every image a of the own class. The formula says how far a move must go for one "
    "pair; the proven radius takes, for each b, the a that holds out longest, and of all b the one that needs least"
)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is known of one image in one norm, as plain numbers; see `Explained` for each."""

    norm: str
    row: int
    label: int
    own: float
    foreign: float
    keeper: float
    rival: float
    apart: float
    formula: float
    radius: float
    size: float
    nearest: bool  # whether the pair that decides is that of the two nearest
    foreign_class: int | None
    rival_class: int | None
    reached_class: int

    @classmethod
    def of(cls, found: Explained, image: int, norm: str) -> "Chosen":
        place = found.norms.tolist().index(norm)
        keeper, rival = int(found.keeper[place, image]), int(found.rival[place, image])

        def class_of(centre: int) -> int | None:
            return int(found.labels[centre]) if centre >= 0 else None

        return cls(
            norm=norm, row=int(found.rows[image]), label=int(found.y[image]), own=float(found.own_away[image]),
            foreign=float(found.foreign_away[image]), keeper=float(found.keeper_away[place, image]),
            rival=float(found.rival_away[place, image]), apart=float(found.apart[place, image]),
            formula=float(found.formula[place, image]), radius=float(found.radius[place, image]),
            size=float(found.size[place, image]), nearest=(keeper, rival) == (found.own[image], found.foreign[image]),
            foreign_class=class_of(int(found.foreign[image])), rival_class=class_of(rival),
            reached_class=int(found.labels[found.reached[place, image]]),
        )  # fmt: skip


@st.cache_resource(max_entries=8, show_spinner=False)
def _found(run_id: str) -> tuple[Explained, list[bytes]] | None:
    found = api.nearest.explained(run_id)
    return (found, api.nearest.thumbnails(found)) if found is not None else None


@st.cache_resource(max_entries=64, show_spinner=False)
def _pictures(run_id: str, image: int, norm: str) -> api.nearest.Pictures | None:
    known = _found(run_id)
    return api.nearest.pictures(run_id, known[0], image, norm) if known else None


@live.fragment
def view(record: RunRecord) -> None:
    """Test images to choose from, and the picture of the chosen one; a press draws only this anew."""
    known = _found(record.id)
    if known is None:
        return
    found, thumbnails = known
    names = [words.plain(name, 60) for name in api.results.RunResult.of(record).classes]
    judged = record.config["evaluation"]
    with st.container(border=True, key="lab.explained"):
        st.markdown("**Why is an image proven?** Nearest neighbour on the condensed set, image by image", help=WHAT)
        left, right = st.columns([2, 1], vertical_alignment="bottom")
        with left:
            label = tiles.of_class(sorted(set(found.y.tolist())), "lab.explained.class", names.__getitem__)
        with right:
            norm = st.segmented_control(
                "Norm of the move",
                found.norms.tolist(),
                default=judged["norm"],
                required=True,
                key="lab.explained.norm",
            )
        image = _image(found, thumbnails, label)
        one = Chosen.of(found, image, norm)
        _beside(_pictures(record.id, image, norm), thumbnails[image], one, names)
        _formula(one)
        _ball(one, float(judged["eps"]) if norm == judged["norm"] else None, f"{record.id}-image-{one.row}-{norm}")


def _image(found: Explained, thumbnails: Sequence[bytes], label: int) -> int:
    """The chosen image of a class, its first until one is pressed."""
    offered = [image for image, of in enumerate(found.y.tolist()) if of == label]
    chosen = st.session_state.get("lab.explained.image")
    chosen = int(chosen) if chosen in offered else offered[0]
    shown = [
        tiles.Tile(row=int(found.rows[i]), value=i, picture=thumbnails[i], alt=f"Test image {found.rows[i]}")
        for i in offered
    ]
    tiles.draw(shown, "lab.explained.pick", (chosen,), _pick)
    return chosen


def _pick(image: int) -> None:
    st.session_state["lab.explained.image"] = image


def _beside(pictures: api.nearest.Pictures | None, clean: bytes, one: Chosen, names: Sequence[str]) -> None:
    """The image between its two nearest condensed images, the pair that decides, and the smallest attack found."""
    if pictures is None:
        return
    own, same = names[one.label], one.nearest or one.rival_class is None
    a, b = ("a", "b") if same else ("a′", "b′")
    shown: list[tuple[bytes, str]] = [(clean, f"**x**, test image {one.row}, of class {own}")]
    if pictures.own:
        shown.append((pictures.own, f"**{a}**, nearest of its class, {own}: {_far(a, one.own)}"))
    if pictures.foreign and one.foreign_class is not None:
        text = f"nearest of another class, {names[one.foreign_class]}: {_far(b, one.foreign)}"
        shown.append((pictures.foreign, f"**{b}**, {text}"))
    if pictures.keeper and pictures.rival and one.rival_class is not None and not one.nearest:
        text = f"of {names[one.rival_class]}, needs the shortest move: {_far('b', one.rival)}"
        shown.append((pictures.keeper, f"**a**, of {own}, holds out longest against b: {_far('a', one.keeper)}"))
        shown.append((pictures.rival, f"**b**, {text}"))
    if pictures.attacked and pictures.change:
        text = f"smallest attack found, {one.norm} length {one.size:.4f}: now nearest to {names[one.reached_class]}"
        shown += [(pictures.attacked, f"**x + δ**, {text}"), (pictures.change, "**δ** around grey, to full contrast")]
    with st.container(horizontal=True, key="lab.explained.beside"):
        for picture, text in shown:
            with st.container(width=150):
                st.image(picture, output_format="PNG", width=140, alt=text.replace("*", ""))
                st.caption(text)


def _far(letter: str, length: float) -> str:
    """The L2 distance of the image to a condensed image, on one line."""
    return f"‖x − {letter}‖₂ = {length:.3f}".replace(" ", "\N{NO-BREAK SPACE}")


def _formula(one: Chosen) -> None:
    """The certificate with the numbers of this image in it."""
    if one.radius == 0:
        st.markdown("**Wrong without any move**: nothing is proven of it. b is at most as far from x as a.")
        return
    if math.isinf(one.radius):
        st.markdown("**Proven against every move**: no move within [0, 1] brings x to where another class is nearer.")
        return
    q = DUAL[one.norm]
    pair = rf"\frac{{\lVert x-b\rVert_2^2 - \lVert x-a\rVert_2^2}}{{2\,\lVert a-b\rVert_{{{q}}}}}"
    numbers = rf"\frac{{{one.rival:.3f}^2 - {one.keeper:.3f}^2}}{{2 \cdot {one.apart:.3f}}} = {one.formula:.4f}"
    st.latex(rf"\begin{{aligned}} r_{{ab}} &= {pair} \\ &= {numbers} \end{{aligned}}")
    more = one.radius - one.formula
    box = f", and {one.radius:.4f} as pixels stay in [0, 1]" if more > 1e-4 else ""
    found = f"The smallest attack found is {one.size:.4f} long" if math.isfinite(one.size) else "No attack was found"
    open_ = f": between the two lies what nobody knows, {one.size - one.radius:.4f}" if math.isfinite(one.size) else ""
    st.markdown(
        f"**Proven: no move shorter than {one.radius:.4f} ({one.norm}) changes the answer.** "
        f"The pair a, b alone gives {one.formula:.4f}{box}. {found}{open_}."
    )


def _ball(one: Chosen, eps: float | None, file: str) -> None:
    """The image on the line of budgets."""
    draw(ball.chart(one.radius, one.size, eps, one.norm), "lab.explained.ball", file)
    st.caption(
        f"{WHOSE} Attack: straight lines to all condensed images. Numbers under the images are rows of the test split."
        + (f" Dashed: ε {eps:g}." if eps is not None else "")
    )
