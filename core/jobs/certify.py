"""Job on a condensed set: verify a cover, or radii, from the pixels alone; look for covers that refute bounds."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.certificates.verify import holds
from core.covering.certificate import certify as verify
from core.covering.claims import Attack, attack
from core.engine import artifacts
from core.engine.job import Job
from core.errors import DataError
from core.evaluation.nearest import centres
from core.events import Progress, Work, pulsing, through
from core.jobs import loading, measured
from core.settings.run import RunConfig
from core.types import CondensedSet, as_norm

MOST_TOLD = 5  # images named when claims are wrong


def certify(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Verify the cover in the file `config["condensed"]` from the pixels of a data set, and attack its lower bounds."""
    settings, path = RunConfig(**config["settings"]), Path(config["condensed"])
    condensed = artifacts.load_condensed(path)
    if "radii" in config:
        return (yield from _radii(settings, condensed, Path(config["radii"]), job))
    dataset = yield from loading.load(settings.data, job)
    found, tried = verify(dataset.train, condensed), Attack(0, 0, ())
    if found.valid:
        beat = Progress(stage="condense", note="looking for covers that its lower bounds exclude")
        tried = yield from pulsing(attack(dataset.train, condensed), lambda _: beat)
    bounds = {"bounds_claimed": tried.claimed, "bounds_derived_again": tried.derived}
    found = replace(found, violations=found.violations + tried.beaten)
    claim = {"claim": f"cover: every train image lies in the ball of a centre of its own class, {found.norm}"}
    return measured.of_data(dataset, job) | measured.plain(found.to_json()) | bounds | claim


def _radii(settings: RunConfig, condensed: CondensedSet, path: Path, job: Job) -> Work[dict[str, Any]]:
    """Verify a list of radii within which the nearest-neighbour classifier on the set is said to stay right."""
    listed = artifacts.load_arrays(path)
    if not {"rows", "radius", "norm"} <= set(listed) or listed["rows"].shape != listed["radius"].shape:
        raise DataError(f"{path.name} is no list of radii: it needs rows, radius of the same length, and norm")
    dataset = yield from loading.load(settings.data, job)
    dataset = loading.check_fit(path, condensed, dataset)
    rows, radius, norm = listed["rows"], listed["radius"], as_norm(str(listed["norm"]))
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(dataset.test)):
        raise DataError(f"{path.name} names test images up to {rows.max()}, the test split has {len(dataset.test)}")
    classifier, _ = centres(condensed)

    def event(done: int) -> Progress:
        return Progress(stage="check", done=done, total=len(rows), unit="images", note="verifying radii")

    work = holds(dataset.test.pixels(rows), dataset.test.y[rows], radius, classifier, norm)
    true = yield from through(work, event)
    wrong = [
        f"test image {row}: a move within {r:.4g} makes it wrong"
        for row, r in zip(rows[~true].tolist(), radius[~true].tolist(), strict=True)
    ]
    claimed = int((radius > 0).sum())
    return measured.of_data(dataset, job) | {
        "claim": f"radii: nearest neighbour keeps {claimed} of {len(rows)} test images right, each in its {norm} ball",
        "valid": not wrong, "violations": wrong[:MOST_TOLD], "images": len(rows), "centres": len(condensed),
        "norm": norm, "radii_claimed": claimed, "radii_wrong": len(wrong),
    }  # fmt: skip
