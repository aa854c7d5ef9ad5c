"""From anybody's arrays to a Dataset, or one sentence that says why not.

Everything that is brought from outside passes through `assemble`: shapes, value ranges, labels, empty classes.
"""

from collections.abc import Mapping

import numpy as np

from core.datasets import labels as labelling
from core.datasets import ranges, twins
from core.datasets.found import Array, Found, Part
from core.datasets.split import stratified
from core.errors import DataError
from core.events import Work
from core.types import DataConfig, Dataset, PixelRange, TestSplit, TrainSplit, Understood
from core.types.data import sides

TEST_SHARE = 0.2
SHAPES = "(n, h, w), (n, h, w, c) or (n, c, h, w) with c = 1 or 3, or (n, 2) points"
LARGE = 1_000_000_000  # bytes of all train images as floats from which their cost is said
DIM = 128  # whole numbers below: worth a word


def assemble(found: Found, config: DataConfig) -> Work[tuple[Understood, Dataset | None]]:
    """Check what a reader found and make a data set of it; without a test part a stratified fifth is set apart.

    returns  how it was understood, and the data set; None where a question has to be answered first
    raises   DataError naming the first thing that is wrong
    """
    notes = list(found.notes)
    used, apart = _parts(found, notes)
    images = {
        part: shaped(found.x[source], found.images(source), config.shape, found.shaped) for part, source in used.items()
    }
    labels = labelling.understand(found, {part: found.y[source] for part, source in used.items()})
    for part, x in images.items():
        if len(x) != len(labels.y[part]):
            raise DataError(
                f"{found.images(used[part])} has {len(x)} images and {found.labels(used[part])} {len(labels.y[part])} "
                "labels: one each is needed"
            )
    labelling.check_classes(labels.y, labels.classes)
    _check_alike(images)
    told = ranges.understand(found, images, config.range)
    parts, y = _with_test(images, labels.y, config.seed, notes)
    counts = {"train": len(parts["train"]), "test": len(parts["test"]), "validation": apart}
    notes += [*labels.notes, *_said(told, images, config)]
    understood = Understood(
        layout=found.layout, parts=counts, classes=labels.classes, range=told, named=found.named,
        left_out=found.left_out, notes=tuple(notes),
    )  # fmt: skip
    if told.needs_answer:
        return understood, None
    return (yield from _made(found, understood, parts, y))


def _parts(found: Found, notes: list[str]) -> tuple[dict[Part, Part], int]:
    """Which part of the source is used as train and test, and how many validation images are kept apart."""
    if "train" not in found.x:
        raise DataError(f"{found.name} has no train part, it has: {', '.join(found.x) or 'nothing'}; add it")
    apart = len(found.x.get("validation", ()))
    if "test" in found.x:
        if apart:
            notes.append(
                f"{apart:,} validation images are kept apart: nothing trains on them and nothing is judged on them"
            )
        return {"train": "train", "test": "test"}, apart
    if apart:
        notes.append(f"there is no test part: the {apart:,} validation images are used as test images")
        return {"train": "train", "test": "validation"}, 0
    return {"train": "train"}, 0


def shaped(x: Array, name: str, shape: str, known: str = "") -> Array:
    """(n, c, h, w) with c = 1 or 3 in the values of the source.

    shape  how rows (n, features) lie in an image, as `--shape` takes it, or ""
    known  "channels first" when the layout is not in question
    raises DataError
    """
    if x.dtype.kind not in "biuf":
        raise DataError(f"{name} must be uint8 or float, got {x.dtype}")
    if x.ndim == 2 and shape:
        wanted = sides(shape)
        if int(np.prod(wanted)) != x.shape[1]:
            raise DataError(f"{name} has {x.shape[1]} values an image, --shape {shape} has {int(np.prod(wanted))}")
        x = x.reshape(len(x), *wanted)
    elif shape and x.ndim > 2:
        raise DataError(f"{name} has shape {x.shape} already: leave --shape out")
    if x.ndim == 2 and x.shape[1] == 2:
        x = x[:, None, None, :]
    elif x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and x.shape[1] not in (1, 3) and x.shape[3] in (1, 3) and not known:
        x = x.transpose(0, 3, 1, 2)
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not x.size:
        rows = "; say how its values lie in an image, such as --shape 28x28" if x.ndim == 2 and x.size else ""
        raise DataError(f"{name} must be {SHAPES}, got shape {x.shape}{rows}")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise DataError(f"{name} holds NaN or infinite values in {int((~np.isfinite(x)).sum())} places: remove them")
    return x


def _check_alike(images: Mapping[Part, Array]) -> None:
    kinds = {part: (x.shape[1:], x.dtype.kind in "f") for part, x in images.items()}
    if len(set(kinds.values())) > 1:
        train, test = images["train"], images["test"]
        raise DataError(
            f"train and test images differ: {train.shape[1:]} {train.dtype} against {test.shape[1:]} {test.dtype}; "
            "bring them to one shape and type"
        )


def _with_test(
    images: Mapping[Part, Array], labels: Mapping[Part, Array], seed: int, notes: list[str]
) -> tuple[dict[Part, Array], dict[Part, Array]]:
    """Images and labels of train and test; a stratified part of train becomes test where there is none."""
    if "test" in images:
        return dict(images), dict(labels)
    train, test = stratified(labels["train"], TEST_SHARE, seed=seed)
    notes.append(f"no test part was given: a stratified fifth, {len(test)} images, is set apart (seed {seed})")
    rows: dict[Part, Array] = {"train": train, "test": test}
    return {part: images["train"][r] for part, r in rows.items()}, {
        part: labels["train"][r] for part, r in rows.items()
    }


def _said(told: PixelRange, images: Mapping[Part, Array], config: DataConfig) -> list[str]:
    low, high = told.found
    if told.needs_answer or config.range:
        return [told.sentence]
    if told.read_as == ((0.0, 255.0),) and high < DIM:
        return [f"values reach only from {low:g} to {high:g}, and 255 is taken for white: if it is not, say --range"]
    return []


def _made(
    found: Found, understood: Understood, parts: Mapping[Part, Array], y: Mapping[Part, Array]
) -> Work[tuple[Understood, Dataset]]:
    whole = all(ranges.is_whole(x) for x in parts.values())
    done = {part: ranges.mapped(x, understood.range, whole) for part, x in parts.items()}
    outside = sum(one.outside for one in done.values())
    notes = list(understood.notes)
    if outside:
        notes.append(f"values beyond black or white by rounding alone were brought to the end: {outside:,}")
    train, test = done["train"], done["test"]
    equal = yield from twins.count(train.x, y["train"], test.x, y["test"])
    missing = [name for name, n in zip(understood.classes, _counts(y["test"], understood), strict=True) if not n]
    if missing:
        notes.append(
            f"no test image of: {', '.join(missing[:5])}{f' and {len(missing) - 5} more' if missing[5:] else ''}"
        )
    notes += [*equal.notes(), *_cost(train.x, len(understood.classes))]
    understood = Understood(**{**vars(understood), "notes": tuple(notes)})
    return understood, Dataset(
        name=found.name,
        train=TrainSplit(x=train.x, y=y["train"], levels=train.levels),
        test=TestSplit(x=test.x, y=y["test"], levels=test.levels),
        classes=understood.classes,
        notes=understood.notes,
        source=found.source,
        understood=understood,
    )


def _cost(x: Array, classes: int) -> list[str]:
    """What large images or many classes will take, before a method begins."""
    each, whole = 4 * x[0].size, 4 * x.size
    if whole < LARGE and each * classes < LARGE / 10:
        return []
    return [
        f"large: as float32 the train images take {whole / 1e9:.1f} GB, and a condensed set "
        f"{each * classes / 1e6:,.0f} MB for every image a class ({classes:,} classes); time grows alike, and --limit "
        "or --resize makes it less"
    ]


def _counts(y: Array, understood: Understood) -> list[int]:
    counts: list[int] = np.bincount(y, minlength=len(understood.classes)).tolist()
    return counts
