"""Condensed sets from elsewhere: what a file says is what is read, and what it does not say is asked."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from core.datasets.sets import pixels, reading, torch_file
from core.engine import artifacts, limits
from core.errors import BallastError, DataError
from core.events import drive
from core.types import CondensedSet, Origin
from tests.datasets.published_sets import FORMS, OWN, dc, images, normalised, plain, soft, target
from tests.datasets.wild import damaged

DAMAGES = 200


def read(path: Path, *, number: int = 1, asked: str = "", clip: bool = False, channels: int = 3) -> reading.Brought:
    return drive(reading.read(path, target(channels), number=number, asked=asked, clip=clip))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_published_form_gives_its_images_and_labels(form, tmp_path: Path):
    truth = form(tmp_path, np.random.default_rng(1))
    found = read(truth.path)
    assert found.pixels.told.needs_answer == bool(truth.range)
    if truth.range:
        proposal = found.pixels.told.proposal
        assert truth.range in ("proposal", proposal) or found.pixels.told.proposal
        found = read(truth.path, asked=proposal if truth.range == "proposal" else truth.range)
    assert np.array_equal(found.y, truth.y) and found.y.dtype == np.int64
    assert np.allclose(found.pixels.x, truth.x, rtol=0, atol=2e-6) and found.pixels.x.dtype == np.float32
    assert (found.soft is None) == (truth.soft is None)
    assert truth.soft is None or np.array_equal(found.soft, truth.soft)


def test_what_is_proposed_is_the_inverse_of_what_the_field_divides_by(tmp_path: Path):
    x, y = images(np.random.default_rng(0), 30)
    field = pixels.FIELD["cifar10"][0]
    torch.save([torch.tensor(normalised(x, field)), torch.tensor(y)], tmp_path / "set.pt")
    own = reading.Target(data="cifar10", classes=target().classes, shape=(3, 4, 4), statistics=OWN)
    found = drive(reading.read(tmp_path / "set.pt", own, number=1, asked="", clip=False))
    assert found.pixels.told.needs_answer and "the field's for cifar10" in found.pixels.told.sentence
    assert np.allclose(found.pixels.x, x, atol=2e-6)  # what the mosaic shows


def test_another_of_several_sets_is_taken_on_request_and_the_number_is_said(tmp_path: Path):
    truth = dc(tmp_path, np.random.default_rng(2))
    first, second = read(truth.path), read(truth.path, number=2)
    assert first.sets == 2 and "number 1 is taken" in first.notes[0] and "number 2" in second.notes[0]
    assert second.pixels.x.std() < first.pixels.x.std()
    with pytest.raises(DataError, match="there is no 3: give --number 1 to 2"):
        read(truth.path, number=3)


def test_learned_pixels_beyond_the_ends_need_a_word_and_are_counted(tmp_path: Path):
    x, y = images(np.random.default_rng(0))
    wild = x.copy()
    wild[0, 0, 0] = (-0.5, 1.5, 2, 0.5)
    torch.save([torch.tensor(wild), torch.tensor(y)], tmp_path / "set.pt")
    with pytest.raises(DataError, match=r"1\.04% of the values of set\.pt lie beyond .* by up to 1 .* --clip"):
        read(tmp_path / "set.pt", asked="0:1")
    found = read(tmp_path / "set.pt", asked="0:1", clip=True)
    assert (
        np.array_equal(found.pixels.x, np.clip(wild, 0, 1)) and "were brought to the ends, as asked" in found.notes[-1]
    )


def test_whitened_images_get_no_proposal(tmp_path: Path):
    rng = np.random.default_rng(0)
    torch.save([torch.tensor(rng.normal(0, 40, (6, 3, 4, 4))), torch.arange(6) % 3], tmp_path / "set.pt")
    found = read(tmp_path / "set.pt")
    told = found.pixels.told
    assert told.needs_answer and told.proposal == "" and "whitened" in told.sentence
    assert found.pixels.x.min() == 0 and found.pixels.x.max() == 1  # stretched, to look at


def test_our_own_set_keeps_its_origin_and_needs_no_answer(tmp_path: Path):
    x, y = images(np.random.default_rng(0))
    made = CondensedSet(x=x, y=y, n_classes=3, method="dm", origin=Origin(classes=("ant",), train_hash="0" * 16))
    artifacts.save_condensed(tmp_path / "condensed.npz", made)
    found = read(tmp_path / "condensed.npz")
    assert np.array_equal(found.pixels.x, x) and found.origin == made.origin and found.method == "dm"


class Hostile:
    def __reduce__(self):
        return (print, ("never",))


def save(path: Path, content: object, **options) -> Path:
    torch.save(content, path, **options)
    return path


def many_times(times: int, deep: int) -> list:
    """A list that holds one list over and over, which holds one over and over, …: small in a file, huge when copied."""
    inner: list = [1] * times
    for _ in range(deep - 1):
        inner = [inner] * times
    return inner


def tensors(n: int = 6, side: int = 4, labels: object = None) -> list:
    return [torch.rand(n, 3, side, side), torch.arange(n) % 3 if labels is None else labels]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (Hostile(), "holds more than tensors and plain values, which is never opened"),
        ({"data": [[torch.rand(6, 3, 4, 4), Hostile()]]}, "never opened"),
        (torch.rand(6, 3, 4, 4), r"one tensor of shape \(6, 3, 4, 4\): give images and labels together"),
        ({"a": 1}, "is a dict of a, in which no images and labels are found"),
        ("text", "holds a str, no condensed set"),
        (tensors(labels=torch.arange(5)), "6 images and 5 labels"),
        (tensors(labels=torch.arange(6)), "labels of set.pt reach from 0 to 5, the data set has 0 to 2"),
        (tensors(labels=torch.arange(6) % 3 + 1), "seems to count from 1: subtract 1"),
        (tensors(labels=torch.rand(6, 10)), "have 10 columns, the data set has 3 classes"),
        (tensors(labels=torch.rand(6)), "must be whole numbers or rows of 3"),
        (tensors(side=5), "has 3×5×5 images, mine has 3×4×4"),
        (tensors(0), "has no images"),
        ([torch.full((6, 3, 4, 4), torch.nan), torch.arange(6) % 3], "NaN or infinite"),
        ([torch.rand(6, 3, 4, 4).to_sparse(), torch.arange(6) % 3], "sparse, quantised or complex"),
        (
            [torch.rand(1, 1, 1, 1).expand(6, 3, 4000, 4000), torch.arange(6)],
            "declare more numbers than the file holds",
        ),
        (many_times(12, 6), "declare more numbers than the file holds"),
    ],
)
def test_what_is_no_set_for_this_data_is_one_sentence(content, sentence, tmp_path: Path):
    with pytest.raises(DataError, match=sentence):
        read(save(tmp_path / "set.pt", content))


def test_an_archive_that_would_grow_is_refused_before_it_is_opened(tmp_path: Path, monkeypatch):
    path = tmp_path / "set.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/data.pkl", pickle.dumps(1))
        archive.writestr("set/data/0", bytes(3_000_000))
    monkeypatch.setattr(limits, "SMALL_BYTES", 1_000_000)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(DataError, match="unpacks from"):
        torch_file.load(path)


def test_a_flipped_byte_of_a_tensor_is_found(tmp_path: Path):
    truth = plain(tmp_path, np.random.default_rng(0))
    content = bytearray(truth.path.read_bytes())
    at = content.find(truth.x.tobytes()[:64])
    content[at + 8] ^= 4
    truth.path.write_bytes(content)
    with pytest.raises(DataError, match="is not what was written"):
        read(truth.path)


@pytest.mark.filterwarnings("ignore")  # what zipfile and numpy say of rubbish
@pytest.mark.parametrize("seed", range(DAMAGES))
def test_damage_is_a_sentence(seed: int, tmp_path: Path):
    rng = np.random.default_rng(seed)
    form = FORMS[seed % len(FORMS)]
    truth = form(tmp_path, rng)
    truth.path.write_bytes(damaged(truth.path.read_bytes(), rng))
    try:
        found = read(truth.path, asked=truth.range if ":" in truth.range else "", clip=True)
    except BallastError as error:
        assert "\n" not in str(error) and len(str(error)) < 400
        return
    assert found.pixels.x.shape[1:] == (3, 4, 4) and len(found.y) == len(found.pixels.x)
    assert found.pixels.x.min() >= 0 and found.pixels.x.max() <= 1
    if form in (plain, soft) and not found.pixels.told.needs_answer:  # covered by checksums
        assert np.array_equal(found.pixels.x, truth.x), "damage was read as pixels"
