"""The Data page on sources of one's own: what was understood, the question it asks, what it leaves out."""

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import api
from core.datasets import load
from core.events import drive
from core.types import DataConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(alone: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of one's own, beside a home without workers."""
    return tmp_path


def shown(config: DataConfig) -> AppTest:
    record = api.here("data", config.model_dump(mode="json"))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/data.py")
    app.query_params["job"] = record.id
    return app.run()


def text(app: AppTest) -> str:
    parts = [*app.caption, *app.info, *app.warning, *app.markdown]
    return " · ".join(str(part.value) for part in parts)


def test_what_was_understood_and_left_out_is_on_the_page(home: Path):
    for part, n in (("training", 4), ("testing", 2), ("val", 1), ("masks", 1)):
        for name, level in (("cat", 40), ("dog", 200)):
            for i in range(n):
                path = home / "pets" / part / name / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((4, 4), level + i, np.uint8)).save(path)
    app = shown(DataConfig(name=str(home / "pets")))
    assert not app.exception
    assert {m.label: m.value for m in app.metric} == {
        "Train images": "8", "Test images": "4", "Validation images": "2", "Classes": "2", "Size": "4×4 grey",
    }  # fmt: skip
    assert "training is read as the train part" in text(app)
    assert "2 validation images are kept apart" in text(app)
    assert "Read as class folders · values 40 to 203, black is 0 and white 255" in text(app)
    assert [e.label for e in app.expander if e.label.startswith("Left out")] == ["Left out: 2"]


def test_a_question_is_asked_and_its_answer_read(home: Path):
    rng = np.random.default_rng(0)
    np.savez(home / "own.npz", x_train=rng.integers(0, 17, (20, 4, 4), dtype=np.uint8), y_train=np.arange(20) % 2)
    app = shown(DataConfig(name=str(home / "own.npz")))
    assert not app.exception
    assert "x_train: whole numbers 0..16 are nearly black" in text(app)
    assert "black and white not known" in text(app)
    assert not any(button.label == "Use in the Lab" for button in app.button)
    answer = next(one for one in app.text_input if one.key == "data.answer")
    assert answer.value == "0:16"
    next(button for button in app.button if button.label == "Read it so").click().run()
    newest = api.runs(kind="data", limit=1)[0]
    assert newest.config["range"] == "0:16"
    again = shown(DataConfig(**newest.config))
    assert "black is 0 and white 16" in text(again)
    assert any(button.label == "Use in the Lab" for button in again.button)


def test_answers_stand_where_a_source_is_given(home: Path):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/data.py")
    app.run()
    app.segmented_control(key="data.way").set_value("Path").run()
    assert {"data.range", "data.shape"} <= {one.key for one in app.text_input}
    assert "data.skip_bad" in {one.key for one in app.toggle}


PIXELS = np.arange(20 * 16).reshape(20, 4, 4) % 256
NAMED = np.arange(20) % 2


def table(separator: str) -> bytes:
    rows = [["label", *(f"p{i}" for i in range(16))]]
    rows += [[str(y), *map(str, x.ravel())] for x, y in zip(PIXELS, NAMED, strict=True)]
    return "\n".join(separator.join(row) for row in rows).encode()


def parquet() -> bytes:
    out, encoded = io.BytesIO(), []
    for image in PIXELS:
        Image.fromarray(image.astype(np.uint8)).save(held := io.BytesIO(), "PNG")
        encoded.append(held.getvalue())
    pq.write_table(pa.table({"image": encoded, "label": NAMED}), out)
    return out.getvalue()


def npz() -> bytes:
    np.savez(out := io.BytesIO(), images=PIXELS.astype(np.uint8), labels=NAMED)
    return out.getvalue()


def uploading(name: str, content: bytes) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/data.py")
    app.query_params["data.way"] = "Upload"
    app.run()
    app.file_uploader(key="data.file").upload(name, content, "application/octet-stream").run()
    return app.button(key="data.upload").click().run()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.npz", npz()), ("own.csv", table(",")), ("own.TSV", table("\t")), ("own.parquet", parquet()),
        ("own.csv.gz", gzip.compress(table(","))),
    ],
)  # fmt: skip
def test_every_form_of_one_file_is_taken_as_an_upload(name: str, content: bytes, home: Path):
    app = uploading(name, content)
    assert not app.exception and not app.error
    config = DataConfig(**api.runs(kind="data", limit=1)[0].config)
    assert Path(config.name).name.lower() == name.lower()
    dataset = drive(load(config, root=home))
    found = np.concatenate([dataset.train.pixels(slice(None)), dataset.test.pixels(slice(None))])
    assert sorted(np.rint(found.reshape(20, 16) * 255).tolist()) == sorted(PIXELS.reshape(20, 16).tolist())


@pytest.mark.parametrize("name", ["x_train.npy", "train-images-idx3-ubyte.gz", "data_batch_1", "notes.txt"])
def test_an_upload_that_is_no_data_set_alone_is_one_sentence(name: str, home: Path):
    app = uploading(name, b"some")
    assert not app.exception and "job" not in app.query_params
    (said,) = [error.value for error in app.error]
    assert "upload one of those" in said if name == "notes.txt" else "choose all files of the set at once" in said


def test_several_files_of_one_upload_become_one_set_and_are_said(home: Path):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/data.py")
    app.query_params["data.way"] = "Upload"
    app.run()
    arrays = {"x.npy": PIXELS.astype(np.uint8), "y.npy": np.arange(len(PIXELS)) % 2}
    sent = []
    for name, array in arrays.items():
        np.save(out := io.BytesIO(), array)
        sent.append((name, out.getvalue(), "application/octet-stream"))
    app.file_uploader(key="data.file").set_value(sent).run()
    assert "2 files, taken as one set: single arrays, .npy" in text(app)
    app.button(key="data.upload").click().run()
    assert not app.exception and not app.error
    config = DataConfig(**api.runs(kind="data", limit=1)[0].config)
    assert config.name in api.uploads() and Path(config.name).name == "x-and-1-more"
    dataset = drive(load(config, root=home))
    assert len(dataset.train) + len(dataset.test) == len(PIXELS)
    app.file_uploader(key="data.file").set_value([*sent, ("z.zip", b"", "application/zip")]).run()
    assert any("make no set together" in said.value for said in app.error)
