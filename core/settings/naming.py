"""What methods, trainings and runs are called, as a person would say it."""

from pathlib import Path

from core.compressors import METHODS
from core.networks import NETWORKS
from core.settings.run import RunConfig
from core.training import TRAINERS

SHORT = {"mfc": "Covering", "random": "Random", "k-means": "k-means", "k-center": "k-center", "full": "Full data"}
ATTACKED = "adversarial training"
TRAINED = {"standard": "standard training", **dict.fromkeys(("adversarial", "warm-start", "fgsm-rs"), ATTACKED)}
UNSAID = "small-cnn"  # the network that the form begins with


def method(name: str) -> str:
    """A method in a word or two; of one that is not here any more, its name."""
    return SHORT.get(name) or (METHODS[name].title.partition(" (")[0] if name in METHODS else name)


def training(name: str) -> str:
    """A way of training by its title; of one that is not here any more, its name."""
    return TRAINERS[name].title if name in TRAINERS else name


def network(name: str) -> str:
    """A network by its title; of one that is not here any more, its name."""
    return NETWORKS[name].title if name in NETWORKS else name


def titles() -> dict[str, str]:
    """What every method, training and network there is is called, by its name."""
    tables = ((METHODS, method), (TRAINERS, training), (NETWORKS, network))
    return {name: call(name) for table, call in tables for name in table}


def default_name(settings: RunConfig) -> str:
    """What a run is called until somebody renames it: `Covering, 10 per class, digits, adversarial training`.

    The network is named where it is another than the form begins with.
    """
    chosen, options = settings.method.name, settings.method.options
    ipc, radius = getattr(options, "ipc", None), getattr(options, "radius", None)
    data, own = Path(settings.data.name).stem, settings.network.name
    size = f"{ipc} per class" if ipc is not None else f"radius {radius:g}" if radius is not None else ""
    trained = TRAINED.get(settings.training.name, training(settings.training.name))
    parts = [f"All of {data}"] if chosen == "full" else [method(chosen), size, data]
    parts += [trained, "" if own == UNSAID else network(own)]
    return ", ".join(part for part in parts if part)
