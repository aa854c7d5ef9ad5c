"""Data sets: load and describe them in the background, find them again, take uploads."""

from pathlib import Path
from typing import BinaryIO

from core.api.place import executor, home, store
from core.datasets import DATASETS, save_upload
from core.runs.config import data_digest
from core.runs.describe import UPLOADS
from core.types import DataConfig, RunRecord

SUFFIXES = (".npz", ".zip")


def prepare(config: DataConfig) -> str:
    """Queue loading (and, if needed, downloading) a data set; returns the run id of kind `data`.

    Its result holds the description (counts, shape, value range, hash, notes); `image(run_id,
    "preview")` is the preview grid. A prepared data set is found again by equal settings.
    """
    known = prepared(config)
    if known is not None and known.status != "interrupted":
        return known.id
    name = Path(config.name).name
    values = config.model_dump(mode="json")
    run_id = store().create("data", values, name=name, digest=data_digest(config), lane="light")
    executor().submit(run_id)
    return run_id


def prepared(config: DataConfig) -> RunRecord | None:
    """The newest `data` run for these settings that is not failed or cancelled, or None."""
    found = store().runs(kind="data", digest=data_digest(config), limit=20)
    return next((record for record in found if record.status not in ("failed", "cancelled")), None)


def upload(name: str, file: BinaryIO) -> DataConfig:
    """Store an uploaded .npz or .zip under data/ and return the settings that load it.

    The content is not looked at here; `prepare` does that, and removes the file again if it is unusable.

    raises  DataError for another kind of file, one that is too large, or a full disk
    """
    return DataConfig(name=str(save_upload(name, file, home() / "data" / UPLOADS)))


def uploads() -> list[str]:
    """Paths of the data sets that were uploaded or found in data/."""
    folder = home() / "data"
    own = [path for path in folder.glob("*") if path.stem not in DATASETS]  # downloads have names of their own
    return sorted(str(path) for path in [*own, *(folder / UPLOADS).glob("*")] if _loadable(path))


def _loadable(path: Path) -> bool:
    """Whether a path looks like a data set of the user's: an .npz, a .zip, or a folder of class folders."""
    if path.name.startswith("."):
        return False
    return path.suffix.lower() in SUFFIXES if path.is_file() else (path / "train").is_dir()
