"""Bring a network: send a file of weights, see what was understood of it, answer the rest, and have it judged.

The same box on every page that asks something of a network. A look comes first, so that nothing is taken as something
that it is not; afterwards the network is listed like that of a run.
"""

from typing import Any

import streamlit as st

from core import api
from core.errors import ConfigError
from core.types import RunRecord
from core.ui import bar, form, live, naming, navigation, words
from core.ui.threat import usual

FORMS = (
    "A .safetensors file, or a .pt of a state dict, for one of the networks of the Lab. It is read as numbers only: "
    "nothing in a file is run"
)
JOB = "bring"  # in the URL: the look, later the network
KINDS = ("weights", "network")


def box(page: str) -> None:
    """The box of a page, open while something was brought in it."""
    job = st.query_params.get(JOB)
    record = api.get(job) if job else None
    shown = record if record is not None and record.kind in KINDS else None
    with st.expander("Bring a network", key=f"{page}.brought", expanded=shown is not None):
        _send(page)
        if shown is not None:
            _show(page, shown)


def _send(page: str) -> None:
    names = [*(name for name, row in api.DATASETS.items() if row.kind != "file"), *api.uploads()]
    help = "Whose test images it is judged on; for one of your own, upload that on the page Data first"
    data = form.select("Trained for", names, f"{page}.brought.data", names[0], titles=naming.titles(names), help=help)
    kinds = [suffix.removeprefix(".") for suffix in api.bring_network.SUFFIXES]
    file = st.file_uploader("Weights", type=kinds, key=f"{page}.brought.file", help=FORMS)
    if file and st.button("Look at it", key=f"{page}.brought.look", type="primary"):
        _follow(api.bring_network.look({"name": data}, api.bring_network.upload(file.name, file)))


def _follow(job: str) -> None:
    st.query_params[JOB] = job
    st.rerun()


def _show(page: str, record: RunRecord) -> None:
    if not live.ended(record):
        _watch(page, record.id)
    elif record.status != "done":
        st.warning(words.plain(record.error) or f"It was {record.status}: press Look at it to try again.")
    elif record.kind == "weights":
        _understood(page, record)
    else:
        _ready(page, record)


@live.fragment(run_every=live.EVERY)
def _watch(page: str, job: str) -> None:
    if live.ended(api.get(job)):
        st.rerun()
    bar.progress(live.events(job))
    bar.cancel(job, f"{page}.brought.cancel")


def _understood(page: str, record: RunRecord) -> None:
    """What a look found, with the form of what it could not find or may be mended."""
    found = api.bring_network.WeightsResult.of(record)
    shape = "×".join(map(str, found.shape))
    data = words.plain(found.data, 120)
    st.markdown(words.plain(f"{found.weights_file}: {found.tensors} tensors") + f", for {shape} images of {data}")
    st.markdown("\n".join(f"- {words.plain(line)}" for line in _lines(found)))
    for note in found.notes:
        st.caption(words.plain(note))
    network = _network(page, found)
    given = [] if found.says_statistics else [_numbers(page, found, name) for name in ("mean", "std")]
    if st.button("Use it", key=f"{page}.brought.use", type="primary"):
        mean, std = [_read(text) for text in given] or ([], [])
        threat = usual(record.config["settings"]["data"]["name"], "Linf", found.shape[0])
        judged = {"norm": threat.norm, "eps": threat.eps, "attack_steps": threat.eval_steps}
        _follow(api.bring_network.take(record.id, network, mean, std, judged))


def _lines(found: api.bring_network.WeightsResult) -> list[str]:
    """Network, classes, normalisation and origin, each with who says so."""
    by = "as the file says" if found.says_network else "as the shapes of its tensors tell"
    options = ", ".join(f"{name} {value}" for name, value in found.options.items())
    network = (
        f"{found.network} with {options}, {by}" if found.network else "of no network that is known: choose it below"
    )
    classes = ", ".join(found.classes[:8]) + (" …" if len(found.classes) > 8 else "")
    order = (
        "in the order that the file names" if found.says_classes == found.classes else "in the order of the data set"
    )
    normalised = (
        "by a mean and deviation in the file" if found.says_statistics else f"not said: {found.statistics_are}?"
    )
    trained = f"train split {found.says_train_hash}" if found.says_train_hash else "not said"
    return [
        f"Network: {network}", f"Classes: {len(found.classes)}, {order}: {classes}", f"Images normalised: {normalised}",
        f"Trained on: {trained}",
    ]  # fmt: skip


def _network(page: str, found: api.bring_network.WeightsResult) -> dict[str, Any]:
    """The network and its options: those that were recognised, to be changed where only the reader knows better."""
    if found.says_network:
        return {"name": found.network, "options": dict(found.options)}
    start = found.network or next(iter(api.NETWORKS))
    name = form.select(
        "Network", list(api.NETWORKS), f"{page}.brought.network", start, titles=naming.titles(api.NETWORKS),
        help="What the weights are of",
    )  # fmt: skip
    suggested = found.options if name == found.network else {}
    config = api.NETWORKS[name].Config
    return {"name": name, "options": form.fields(config, f"{page}.brought.network", suggested=suggested)}


def _numbers(page: str, found: api.bring_network.WeightsResult, name: str) -> str:
    start = ", ".join(f"{value:g}" for value in getattr(found, name))
    what = {"mean": "Mean that images were normalised by", "std": "Standard deviation likewise"}[name]
    return st.text_input(f"{what}, a number a channel", start, key=f"{page}.brought.{name}.{found.weights_hash}")


def _read(text: str) -> list[float]:
    try:
        return [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise ConfigError(
            f"mean and deviation are numbers with commas between, a number a channel, got {text[:40]!r}"
        ) from None


def _ready(page: str, record: RunRecord) -> None:
    """What judging it found, and where to go on."""
    found = api.results.NetworkResult.of(record)
    st.markdown(
        f"**{words.plain(naming.title(record), 120)}** is in the list: clean {words.percent(found.clean_acc)}, robust "
        f"{words.percent(found.robust_acc)}. {words.conditions(found)}"
    )
    for note in found.notes:
        st.caption(words.plain(note))
    with st.container(horizontal=True):
        for title, entry in (("Attack it", navigation.ATTACK), ("Audit it", navigation.AUDIT)):
            chosen = {"run": record.id}
            if st.button(title, key=f"{page}.brought.{entry.url}", on_click=form.put, args=(entry.url, chosen)):
                st.switch_page(navigation.page(entry), query_params={f"{entry.url}.run": record.id})
