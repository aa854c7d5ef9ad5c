"""What tests of the engine stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.engine.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store in a file of its own."""
    opened = Store(tmp_path / "a.sqlite")
    yield opened
    opened.close()
