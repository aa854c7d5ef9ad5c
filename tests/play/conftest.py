"""The mathematics of Play as the browser computes it: its JavaScript as one module in a headless Chromium."""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser
from torch import Tensor

from core.kernels import Kernel, KernelRegressor, centred
from core.ui.play.component import MATHS, script

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def js(chromium: Browser) -> Iterator[Ask]:
    """`js(expression, **values)`: evaluate with the module's names and the values in scope; arrays go as lists."""
    text = script(*MATHS, "sharing")
    names = sorted(set(re.findall(r"^(?:function\*?|class|const) (\w+)", text, re.M)))
    module = base64.b64encode(f"{text}\nexport {{ {', '.join(names)} }};".encode()).decode()
    page = chromium.new_page()
    page.evaluate("async url => { window.maths = await import(url); }", f"data:text/javascript;base64,{module}")

    def ask(expression: str, **values: Any) -> Any:
        plain = {k: v.tolist() if isinstance(v, np.ndarray | Tensor) else v for k, v in values.items()}
        scope = f"const {{ {', '.join(names)} }} = window.maths; const {{ {', '.join(plain) or '_'} }} = values;"
        return page.evaluate(f"values => {{ {scope} return (() => {expression})(); }}", plain)

    yield ask
    page.close()


class Scene:
    """Support and points of the plane, in Python and in the words of the JavaScript."""

    def __init__(self, seed: int, m: int = 8, n: int = 20, classes: int = 3) -> None:
        generator = np.random.default_rng(seed)
        self.classes = classes
        self.support, self.points = generator.uniform(0.05, 0.95, (m, 2)), generator.uniform(0, 1, (n, 2))
        self.y_s, self.y = np.arange(m) % classes, generator.integers(0, classes, n)
        self.mean = self.points.mean(0)

    def values(self, **more: Any) -> dict[str, Any]:
        return {
            "s": self.support.ravel(), "ys": self.y_s, "x": self.points.ravel(), "y": self.y, "mean": self.mean,
            "classes": self.classes,
        } | more  # fmt: skip

    def lifted(self, points: np.ndarray, lift: float) -> Tensor:
        """(n, 2) -> (n, 1, 1, 3) with the constant coordinate, not yet centred."""
        return torch.tensor(np.column_stack([points, np.full(len(points), lift)])).reshape(-1, 1, 1, 3)

    @property
    def centre(self) -> Tensor:
        """The mean, 0 in the constant coordinate, so that centring leaves it."""
        return torch.tensor([*self.mean, 0.0]).reshape(1, 1, 3)

    def regressor(self, depth: int, lift: float) -> Callable[[Tensor], Tensor]:
        """Python's regressor as a function of (n, 1, 1, 2) points of the plane."""
        fitted = KernelRegressor.fit(
            Kernel(depth=depth), self.lifted(self.support, lift), centred(torch.tensor(self.y_s), self.classes),
            mean=self.centre,
        )  # fmt: skip
        return lambda x: fitted(torch.cat([x, torch.full_like(x[..., :1], lift)], -1))


@pytest.fixture(scope="session")
def lift(js: Ask) -> float:
    return js("LIFT")
