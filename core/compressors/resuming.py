"""What every method asks of a checkpoint before it goes on from it."""

from collections.abc import Mapping

import numpy as np

from core.errors import ConfigError


def refuse_other(state: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> None:
    """Refuse a checkpoint whose images `x` are not of this shape: it was made with other settings.

    raises  ConfigError
    """
    if state["x"].shape != shape:
        raise ConfigError(
            f"the checkpoint is of {state['x'].shape} images, expected {shape}: resume with the settings it was made "
            "with"
        )
