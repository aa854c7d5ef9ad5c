"""Image files of every format and depth: their own values, or a sentence; damage is never read as an image."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import load, understand
from core.datasets.readers.decode import SUFFIXES, decode
from core.errors import ConfigError, DataError, ResourceError
from core.events import drive
from core.types import DataConfig, Dataset, Understood

GREY = (np.arange(64, dtype=np.uint8) * 4).reshape(8, 8)
RGB = np.stack([GREY, 255 - GREY, GREY // 2], axis=2)


def encoded(image: Image.Image, kind: str, **how) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def grey(array: np.ndarray, kind: str = "PNG", **how) -> bytes:
    return encoded(Image.fromarray(array), kind, **how)


def palette(colours: list[int], transparent: int | None = None) -> bytes:
    image = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4) % 2, "P")
    image.putpalette(colours)
    return encoded(image, "PNG", **({} if transparent is None else {"transparency": transparent}))


def filled(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def ask(folder: Path, **settings) -> tuple[Understood, Dataset | None]:
    found, dataset = drive(understand(DataConfig(name=str(folder), **settings), root=folder))
    assert found is not None
    return found, dataset


def classes_of(content: bytes, suffix: str = "png", n: int = 5) -> dict[str, bytes]:
    return {f"{name}/{i}.{suffix}": content for name in "ab" for i in range(n)}


@pytest.mark.parametrize(
    ("kind", "how"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("PPM", {}), ("WEBP", {"lossless": True})]
)
@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "RGB"])
def test_lossless_formats_keep_every_pixel(kind: str, how: dict, pixels: np.ndarray):
    found = decode(grey(pixels, kind, **how), None)
    wanted = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if kind == "WEBP" and pixels.ndim == 2:
        wanted = np.repeat(wanted, 3, 0)  # the format has no grey
    assert np.array_equal(found.x, wanted)
    assert found.depth == 255


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_ending_is_read_in_any_case(suffix: str, tmp_path: Path):
    kinds = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".gif": "GIF", ".bmp": "BMP"}
    pixels = Image.fromarray(GREY > 100) if suffix == ".pbm" else Image.fromarray(GREY)
    kind = kinds.get(suffix, "PPM" if suffix in (".ppm", ".pgm", ".pbm") else "TIFF" if "tif" in suffix else "PNG")
    files = classes_of(encoded(pixels, kind), suffix[1:]) | {f"a/x{suffix.upper()}": encoded(pixels, kind)}
    found, dataset = ask(filled(tmp_path, files))
    assert dataset is not None
    assert len(dataset.train) + len(dataset.test) == 11
    assert found.left_out == ()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_kept_and_said(kind: str, tmp_path: Path):
    deep = GREY.astype(np.uint16) * 257 + 3
    suffix = {"PNG": "png", "TIFF": "tif", "PPM": "pgm"}[kind]
    found, dataset = ask(filled(tmp_path, classes_of(grey(deep, kind), suffix)))
    assert dataset is not None
    assert dataset.train.levels == 0
    assert np.array_equal(np.rint(dataset.train.x[0, 0].astype(np.float64) * 65535), deep)
    assert found.range.read_as == ((0.0, 65535.0),)
    assert any("16 bits a pixel" in note for note in found.notes)


def test_twelve_bits_in_sixteen_are_a_question(tmp_path: Path):
    filled(tmp_path, classes_of(grey(GREY.astype(np.uint16) * 16)))
    found, dataset = ask(tmp_path)
    assert dataset is None
    assert found.range.proposal == "0:4095"
    with pytest.raises(DataError, match="reach from 0 to 4032 only: say which .* --range 0:4095"):
        drive(load(DataConfig(name=str(tmp_path)), root=tmp_path))
    _, dataset = ask(tmp_path, range="0:4095")
    assert dataset is not None
    assert np.array_equal(np.rint(dataset.train.x[0, 0].astype(np.float64) * 4095), GREY.astype(int) * 16)


def test_floats_of_a_tiff_are_floats(tmp_path: Path):
    floats = (GREY / 255).astype(np.float32)
    _, dataset = ask(filled(tmp_path, classes_of(grey(floats, "TIFF"), "tif")))
    assert dataset is not None
    assert np.array_equal(dataset.train.x[0, 0], floats)


def test_bit_depths_are_not_mixed(tmp_path: Path):
    filled(tmp_path, classes_of(grey(GREY)) | {"b/x.png": grey(GREY.astype(np.uint16) * 257)})
    with pytest.raises(DataError, match="bit depths are mixed: a/0.png holds uint8 values, b/x.png uint16"):
        ask(tmp_path)


@pytest.mark.parametrize("first", ["a/-first", "b/zlast"])
def test_grey_palettes_are_grey_and_go_with_grey(first: str, tmp_path: Path):
    own = palette([10, 10, 10, 200, 200, 200])
    plain = grey(np.full((4, 4), 7, np.uint8))
    found, dataset = ask(filled(tmp_path, classes_of(own) | {f"{first}.png": plain}))
    assert dataset is not None
    assert dataset.train.shape == (1, 4, 4)
    assert set(np.unique(dataset.train.x)) | {7} == {7, 10, 200}
    assert "10 images had a palette of greys only and are grey" in found.notes


def test_grey_palettes_among_colours_are_colours(tmp_path: Path):
    files = classes_of(palette([10, 10, 10, 200, 200, 200])) | {"b/c.png": palette([255, 0, 0, 0, 0, 255])}
    _, dataset = ask(filled(tmp_path, files))
    assert dataset is not None
    assert dataset.train.shape == (3, 4, 4)


def test_transparent_pixels_lie_on_white_and_it_is_said(tmp_path: Path):
    seen = np.zeros((4, 4, 4), np.uint8)
    seen[:2, :, 3] = 255
    found, dataset = ask(filled(tmp_path, classes_of(grey(seen))))
    assert dataset is not None
    assert np.array_equal(dataset.train.x[0, 0], np.repeat([0, 0, 255, 255], 4).reshape(4, 4))
    assert "10 images had transparent pixels, which lie on white now" in found.notes
    assert (decode(palette([255, 0, 0, 0, 0, 255], 0), None).x[:, 0, 0] == 255).all()


def test_opaque_alpha_changes_nothing_and_says_nothing():
    whole = np.concatenate([RGB, np.full((8, 8, 1), 255, np.uint8)], axis=2)
    found = decode(grey(whole), None)
    assert np.array_equal(found.x, RGB.transpose(2, 0, 1))
    assert found.said == frozenset()


def test_first_frame_one_bit_and_cmyk_are_said():
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    moving = decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), None)
    assert np.array_equal(moving.x[0], GREY)
    assert "frames" in moving.said
    one = decode(encoded(Image.fromarray(GREY > 100), "TIFF"), None)
    assert set(np.unique(one.x)) == {0, 255}
    assert "one bit" in one.said
    assert "CMYK" in decode(encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG"), None).said


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_turn_is_made(turn: int):
    tag = Image.Exif()
    tag[0x0112] = turn
    back = {1: 0, 3: 2, 6: 1, 8: 3}
    pixels = RGB if turn not in back else np.rot90(RGB, back[turn])
    found = decode(grey(np.ascontiguousarray(pixels), exif=tag), None)
    assert ("turned" in found.said) == (turn != 1)
    if turn in back:
        assert np.array_equal(found.x, RGB.transpose(2, 0, 1))


# --- what cannot be read --------------------------------------------------------------------------------
BAD = {
    "a/empty.png": b"",
    "a/half.png": grey(GREY)[:60],
    "a/text.jpg": b"no picture",
    "b/photo.heic": b"\0\0\0\x18ftypheic",
    "b/loose.svg": b"<svg/>",
}


def test_bad_files_are_named_or_left_out_never_read(tmp_path: Path):
    filled(tmp_path, classes_of(grey(GREY)) | BAD)
    with pytest.raises(DataError, match=r"a/empty.png is empty; 4 more: .*half.png.*; remove or replace"):
        ask(tmp_path)
    found, dataset = ask(tmp_path, skip_bad=True)
    assert dataset is not None
    assert len(dataset.train) + len(dataset.test) == 10
    assert {left.file for left in found.left_out} == set(BAD)
    assert {left.file: left.why for left in found.left_out}["b/photo.heic"].startswith("is of a kind that is not read")


def test_a_damaged_png_is_not_read_though_it_could_be_decoded():
    noise = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    content = bytearray(grey(noise, compress_level=0))
    content[len(content) // 2] ^= 1
    with pytest.raises(DataError, match="is no readable image"):
        decode(bytes(content), None)


def test_documents_beside_pictures_are_listed_and_harmless(tmp_path: Path):
    files = classes_of(grey(GREY)) | {"README.txt": b"x", "a/notes.md": b"x", "c/.keep": b""}
    found, dataset = ask(filled(tmp_path, files))
    assert dataset is not None
    assert {left.file for left in found.left_out} == {"README.txt", "a/notes.md", "c/.keep"}


def test_empty_folders_are_said(tmp_path: Path):
    (tmp_path / "c").mkdir()
    found, _ = ask(filled(tmp_path, classes_of(grey(GREY))))
    assert [(left.file, left.why) for left in found.left_out] == [("c/", "the folder is empty")]
    assert "empty folders are left out: c" in found.notes


def test_too_much_for_the_memory_is_refused_before_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.datasets.readers.pile.SHARE", 0.0)
    with pytest.raises(ResourceError, match="10 images of 8×8 pixels take 0.0 GB.*--resize"):
        ask(filled(tmp_path, classes_of(grey(GREY))))


# --- folders and tables of names ---------------------------------------------------------------------------
def test_a_table_names_the_classes_of_loose_files(tmp_path: Path):
    files = {f"train/{i}.png": grey(GREY) for i in range(10)} | {f"test/t{i}.png": grey(GREY) for i in range(4)}
    rows = [f"{i},{'dog' if i % 2 else 'cat'}" for i in range(10)] + [f"test/t{i}.png,cat" for i in range(4)]
    files["labels.csv"] = ("id,breed\n" + "\n".join(rows)).encode()
    found, dataset = ask(filled(tmp_path, files))
    assert dataset is not None
    assert (found.classes, found.parts["train"], found.parts["test"]) == (("cat", "dog"), 10, 4)
    assert "labels.csv gives the class of every image it names" in found.notes


def test_a_table_names_class_folders_and_keeps_their_order(tmp_path: Path):
    files = {f"{name}/{i}.png": grey(GREY) for name in ("0", "1", "10") for i in range(5)}
    files["Labels.CSV"] = b"ClassId;Name\n10;apple\n0;stop\n1;yield\n"
    found, dataset = ask(filled(tmp_path, files))
    assert dataset is not None
    assert dataset.classes == ("stop", "yield", "apple")
    assert found.named == {"0": "stop", "1": "yield", "10": "apple"}


def test_a_table_about_nothing_here_is_refused(tmp_path: Path):
    filled(tmp_path, classes_of(grey(GREY)) | {"labels.csv": b"file,label\nx.png,cat\n"})
    with pytest.raises(DataError, match="labels.csv names file, x.png in its first column"):
        ask(tmp_path)


def test_one_folder_called_train_among_others_like_it_is_a_question(tmp_path: Path):
    files = {f"{name}/{day}/{i}.png": grey(GREY) for name in ("bus", "train") for day in "xy" for i in range(3)}
    with pytest.raises(DataError, match="folders bus, train|train may be a class or the train part"):
        ask(filled(tmp_path, files))


def test_parts_below_the_classes(tmp_path: Path):
    files = {
        f"{c}/{p}/{i}.png": grey(GREY) for c in ("cat", "dog") for p, n in (("train", 4), ("val", 2)) for i in range(n)
    }
    found, _ = ask(filled(tmp_path, files))
    assert found.parts == {"train": 8, "test": 4, "validation": 0}
    assert "the parts are the folders below the class folders" in found.notes


def test_classes_at_the_top_with_a_test_folder_beside(tmp_path: Path):
    files = classes_of(grey(GREY)) | {f"test/{name}": content for name, content in classes_of(grey(GREY), n=2).items()}
    found, _ = ask(filled(tmp_path, files))
    assert found.parts == {"train": 10, "test": 4, "validation": 0}


@pytest.mark.parametrize("settings", [{"range": "16"}, {"range": "3:1"}, {"range": "0:1,0:1"}, {"shape": "28"}])
def test_answers_that_say_nothing_are_refused(settings: dict):
    with pytest.raises(ConfigError, match=r"(range|shape) (must|takes)"):
        DataConfig(**settings)


def test_ready_made_sets_take_no_answers(tmp_path: Path):
    with pytest.raises(DataError, match="digits is ready-made: leave --range"):
        drive(load(DataConfig(name="digits", range="0:16"), root=tmp_path))
