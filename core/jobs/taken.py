"""The forms in which a set or a network is taken elsewhere, each with the lines that load it there. Light."""

import importlib.util
from collections.abc import Mapping, Sequence

SETS = ("npz", "pt", "png")
NETWORKS = ("safetensors", "onnx")
FORMS = (*SETS, *NETWORKS)
ONNX_NEEDS = ("onnx", "onnxscript")
ONNX_INSTALL = "python -m pip install --require-hashes -r requirements-onnx.txt"
SUFFIXES: Mapping[str, str] = {
    "npz": ".npz",
    "pt": ".pt",
    "png": ".zip",
    "safetensors": ".safetensors",
    "onnx": ".onnx",
}
TITLES: Mapping[str, str] = {
    "npz": "Set, .npz",
    "pt": "Set, .pt",
    "png": "Set, PNG",
    "safetensors": "Network, safetensors",
    "onnx": "Network, ONNX",
}
OF_NETWORKS = "Takes images in [0, 1] and normalises them itself. The weights that the run is judged by, of the first"
OF_NETWORKS += " network where there are several."
ABOUT: Mapping[str, str] = {
    "npz": "Images in [0, 1] as float32, (n, channels, height, width), with labels and the names of the classes.",
    "pt": "The list form of DC, DSA, DM and their like; images in [0, 1], not normalised.",
    "png": "A zip of one folder a class. Pixels are rounded to 8 bits, soft labels become the class of the largest.",
    "safetensors": OF_NETWORKS + " The lines need Ballast: run them in its folder.",
    "onnx": OF_NETWORKS + " The lines need onnxruntime.",
}
SNIPPETS: Mapping[str, str] = {
    "npz": """import numpy as np

with np.load("{name}") as file:
    images, labels, classes = file["images"], file["labels"], file["classes"].tolist()
print(images.shape, images.dtype, images.min() >= 0, images.max() <= 1, labels.shape, classes)
""",
    "pt": """import torch

images, labels = torch.load("{name}", weights_only=True)["data"][0]
print(images.shape, images.dtype, labels.shape)  # pixels in [0, 1]: normalise them as your network expects
""",
    "png": """import zipfile

from torchvision.datasets import ImageFolder

with zipfile.ZipFile("{name}") as file:
    file.extractall("condensed")
images = ImageFolder("condensed")  # classes in the order of their names, not of the data set's labels
print(len(images), images.classes)
""",
    "safetensors": """from pathlib import Path

import torch

from core.engine.artifacts import load_model
from core.networks.model import restore

model = load_model(Path("{name}"))
network = restore(model)  # takes images in [0, 1], gives logits
print(model.network, network(torch.zeros(1, *model.shape)).shape)
""",
    "onnx": """import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("{name}")
shape = [n if isinstance(n, int) else 1 for n in session.get_inputs()[0].shape]
print(session.run(None, {{"images": np.zeros(shape, np.float32)}})[0].shape)
""",
}


def snippet(form: str, name: str) -> str:
    """Lines of Python that load a file of this form."""
    return SNIPPETS[form].format(name=name)


def source(form: str, kept: str) -> str:
    """The file of a run's folder that a form is made from.

    kept  which weights the run is judged by, "last" or "best"
    """
    return "condensed.npz" if form in SETS else f"{kept}.safetensors"


def refused(form: str, shape: Sequence[int]) -> str:
    """Why a form cannot be written here of images of this shape (c, h, w), in one sentence, or ""."""
    if form == "png" and min(shape[1:], default=2) < 2:
        return "points of the plane have no picture: take npz or pt"
    missing = [name for name in ONNX_NEEDS if importlib.util.find_spec(name) is None] if form == "onnx" else []
    return f"ONNX needs {' and '.join(missing)}: {ONNX_INSTALL}, then ask again" if missing else ""
