"""A run or a study in one file that does it again elsewhere: settings, and the record of what was found.

The bundle of a run is the zip that a run is downloaded as; of a study it holds the settings of the study and the record
of every finished cell, and no data, images or networks. Only JSON is read, and nothing is unpacked onto the disk.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import ConfigError, DataError
from core.settings.study import Study
from core.types import RunRecord

RECORD, STUDY = "record.json", "study.json"
MOST_BYTES = 50_000_000  # of the JSON
BEGAN = (1980, 1, 1, 0, 0, 0)  # equal studies give equal bytes
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What is to be done again.

    study    None where it is a single run
    records  of finished runs, as the store tells them
    """

    name: str
    study: Study | None
    records: tuple[Record, ...]


def pack(name: str, study: Study, done: Sequence[RunRecord]) -> bytes:
    """A study with the records of its finished cells, as one zip."""
    out = io.BytesIO()
    told = {"name": name, "study": study.to_json(), "records": [asdict(record) for record in done]}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(STUDY, BEGAN), json.dumps(told, indent=1), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read(path: Path) -> Bundle:
    """The bundle in a zip.

    raises  DataError that says why it is none
    """
    try:
        with zipfile.ZipFile(path) as file:
            entry = STUDY if STUDY in file.namelist() else RECORD
            if file.getinfo(entry).file_size > MOST_BYTES:
                raise DataError(f"{entry} in {path.name} is larger than {MOST_BYTES // 10**6} MB: nothing writes one")
            told = json.loads(file.read(entry))
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path.name} is no bundle of a run or a study: {error}; export one on Runs or Study") from None
    return _study(path, told) if entry == STUDY else Bundle(name="", study=None, records=(_whole(path, told),))


def _study(path: Path, told: Any) -> Bundle:
    try:
        records = tuple(_whole(path, record) for record in told["records"])
        return Bundle(name=str(told["name"]), study=Study(**told["study"]), records=records)
    except (TypeError, KeyError, AttributeError, ValidationError, ConfigError) as error:
        said = str(error) if isinstance(error, ConfigError) else "its settings are not those of a study"
        raise DataError(f"{path.name} holds no study that can be done here: {said}") from None


def _whole(path: Path, record: Any) -> Record:
    if not isinstance(record, dict) or record.get("kind") != "run" or not {"config", "result"} <= set(record):
        raise DataError(f"{path.name} holds no whole run: export it on the page Runs or Study")
    return record
