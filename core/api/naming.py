"""What a run is called until somebody renames it, as a person would say it."""

from pathlib import Path

from core.compressors import METHODS
from core.networks import NETWORKS
from core.settings.run import RunConfig
from core.training import TRAINERS

SHORT = {"mfc": "Covering", "random": "Random", "k-means": "k-means", "k-center": "k-center"}
ATTACKED = "adversarial training"
TRAINED = {"standard": "standard training", **dict.fromkeys(("adversarial", "warm-start", "fgsm-rs"), ATTACKED)}
UNSAID = "small-cnn"  # the network that the form begins with


def default_name(settings: RunConfig) -> str:
    """What a run is called until somebody renames it: `Covering, 10 per class, digits, adversarial training`.

    The network is named where it is another than the form begins with.
    """
    method, options = settings.method.name, settings.method.options
    ipc, radius = getattr(options, "ipc", None), getattr(options, "radius", None)
    data, network = Path(settings.data.name).stem, NETWORKS[settings.network.name].title
    size = f"{ipc} per class" if ipc is not None else f"radius {radius:g}" if radius is not None else ""
    training = TRAINED.get(settings.training.name, TRAINERS[settings.training.name].title)
    called = SHORT.get(method, METHODS[method].title.partition(" (")[0])
    parts = [f"All of {data}"] if method == "full" else [called, size, data]
    parts += [training, "" if settings.network.name == UNSAID else network]
    return ", ".join(part for part in parts if part)
