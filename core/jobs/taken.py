"""The forms in which a set or a network is taken elsewhere, each with the lines that load it there. Light."""

from collections.abc import Mapping

SETS = ("npz", "pt", "png")
NETWORKS = ("safetensors", "onnx")
FORMS = (*SETS, *NETWORKS)
ONNX_NEEDS = ("onnx", "onnxscript")
SUFFIXES: Mapping[str, str] = {
    "npz": ".npz",
    "pt": ".pt",
    "png": ".zip",
    "safetensors": ".safetensors",
    "onnx": ".onnx",
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
