"""Data sets: load and describe them in the background, find them again, take uploads."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from core.api import queue, visitors
from core.api.workplace import home
from core.datasets import DATASETS, form_of, save_together, save_upload
from core.datasets.upload import MOST_BYTES, SUFFIXES
from core.jobs.files import UPLOADS
from core.types import DataConfig, RunRecord


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
    return queue.submit("data", values, name=name, lane="light")


def prepared(config: DataConfig) -> RunRecord | None:
    """The newest `data` run for these settings that is not failed or cancelled, or None."""
    found = queue.equal("data", config.model_dump(mode="json"))
    return next((record for record in found if record.status not in ("failed", "cancelled")), None)


def upload(name: str, file: BinaryIO) -> DataConfig:
    """Store an uploaded file of any form that is one file under data/ and return the settings that load it.

    Its place is named by its content, so nothing that is there is replaced; `prepare` looks at what is in it.

    raises  DataError for another kind of file, one that is no archive or too large, or a full disk
    """
    most = visitors.most_upload() or MOST_BYTES
    return DataConfig(name=str(save_upload(name, file, home() / "data" / UPLOADS, most=most)))


def upload_together(files: Sequence[tuple[str, BinaryIO]]) -> DataConfig:
    """As `upload`, of several files that make one set: they are stored in one folder, which is read as one.

    raises  DataError also when they make no set
    """
    most = visitors.most_upload() or MOST_BYTES
    return DataConfig(name=str(save_together(files, home() / "data" / UPLOADS, most=most)))


def together(names: Sequence[str]) -> str:
    """What files with these names are as one set, in words; DataError when they make none."""
    return form_of(names)


def uploads() -> list[str]:
    """Paths of the data sets that were uploaded or found in data/."""
    folder = home() / "data"
    given = folder / UPLOADS  # a folder a content; earlier versions put the files there
    own = [path for path in folder.glob("*") if path.stem not in DATASETS]  # downloads have names of their own
    sets = [path for path in given.glob("*/*") if path.is_dir()]  # of several files
    found = {path for path in [*own, *given.glob("*"), *given.glob("*/*")] if _loadable(path)}
    return sorted(str(path) for path in found.union(sets) if not path.name.startswith("."))


def _loadable(path: Path) -> bool:
    """Whether a path looks like a data set of the user's: an .npz, a .zip, or a folder of class folders."""
    if path.name.startswith("."):
        return False
    return path.name.lower().endswith(SUFFIXES) if path.is_file() else (path / "train").is_dir()
