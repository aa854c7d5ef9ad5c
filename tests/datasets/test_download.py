"""Downloads through torchvision, from a server of our own: stored once, cancelled cleanly, explained when they fail."""

import gzip
import hashlib
import struct
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets

from core.datasets import load
from core.datasets.download import fetched
from core.datasets.fetch import fetch
from core.datasets.remotes import BY_TRAIN, REMOTES
from core.errors import DataError
from core.events import drive
from core.types import DataConfig

X = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
Y = (np.arange(30) % 10).astype(np.uint8)


@pytest.fixture
def family(tmp_path: Path):
    """torchvision's own MNIST class, served 30 images from localhost."""
    folder = tmp_path / "server"
    folder.mkdir()
    resources = []
    for part in ("train", "t10k"):
        for kind, array in (("images-idx3", X), ("labels-idx1", Y)):
            header = struct.pack(">i" + "i" * array.ndim, 0x800 + array.ndim, *array.shape)
            content = gzip.compress(header + array.tobytes())
            name = f"{part}-{kind}-ubyte.gz"
            (folder / name).write_bytes(content)
            resources.append((name, hashlib.md5(content).hexdigest()))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield type("MNIST", (torchvision.datasets.MNIST,), {"mirrors": [address], "resources": resources})
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_fetched_files_become_a_data_set(family, tmp_path: Path):
    work = tmp_path / "work"
    work.mkdir()
    fetch(family, BY_TRAIN, work, tmp_path / "data" / "mnist.npz")
    dataset = drive(load(DataConfig(name="mnist"), root=tmp_path / "data"))
    assert np.array_equal(dataset.train.x[:, 0], X)
    assert np.array_equal(dataset.test.y, Y)
    assert dataset.classes[3] == "3 - three"
    assert dataset.train.levels == 255


def test_wrong_checksum_stores_nothing(family, tmp_path: Path):
    family.resources = [(name, "0" * 32) for name, _ in family.resources]
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(RuntimeError):
        fetch(family, BY_TRAIN, work, tmp_path / "data" / "mnist.npz")
    assert not (tmp_path / "data" / "mnist.npz").exists()


def test_every_family_exists_in_torchvision():
    assert all(hasattr(torchvision.datasets, remote.family) for remote in REMOTES.values())


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys, time, pathlib; name, work, target = sys.argv[1:]\n{code}")


def test_progress_counts_bytes_and_the_folder_is_left_clean(tmp_path: Path):
    code = (
        "file = pathlib.Path(work, 'part.gz'); file.write_bytes(bytes(5_000_000)); time.sleep(0.8)\n"
        "pathlib.Path(target).write_bytes(b'x')"
    )
    seen = []
    drive(fetched("mnist", tmp_path / "mnist.npz", child(code)), seen.append)
    assert max(event.done for event in seen) == 5
    assert {event.unit for event in seen} == {"MB"}
    assert [path.name for path in tmp_path.iterdir()] == ["mnist.npz"]


def test_cancel_ends_the_child_and_removes_what_it_wrote(tmp_path: Path):
    code = "pathlib.Path(work, 'part.gz').write_bytes(bytes(1000)); time.sleep(60)"
    work = fetched("mnist", tmp_path / "mnist.npz", child(code))
    for _ in range(3):
        next(work)
    began = time.monotonic()
    work.close()
    assert time.monotonic() - began < 2, "the promise of cancel"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("URLError: Name or service not known", "could not be fetched .*Name or service.*check the network"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
    ],
)
def test_failures_are_sentences(line: str, sentence: str, tmp_path: Path):
    with pytest.raises(DataError, match=sentence):
        drive(fetched("mnist", tmp_path / "mnist.npz", child(f"sys.exit({line!r})")))
    assert list(tmp_path.iterdir()) == []
