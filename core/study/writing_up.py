"""What a paper needs of a study or of chosen runs: its table, its references, and one paragraph on the method.

The paragraph is made of the settings alone, so it says what was asked for, and the numbers say what came of it.
"""

from collections.abc import Sequence
from pathlib import PurePath

from core.compressors import METHODS
from core.datasets import DATASETS
from core.evaluation.options import EvaluationConfig
from core.jobs.results import RunResult
from core.networks import NETWORKS
from core.published import references
from core.settings.run import RunConfig
from core.settings.study import REFERENCE, Study
from core.study.paper import Line, Number, Table
from core.study.table import Row
from core.training import TRAINERS
from core.types import RunRecord

ATTACKS = {"autoattack": "AutoAttack", "strong": "PGD followed by margin-PGD", "pgd": "PGD"}
ACCURACIES = ("Clean", "Robust")
WHAT = "± is the standard deviation over seeds, brackets are 95 % intervals; bold: best, or not to be told from it."


def of_study(study: Study, rows: Sequence[Row], eps: float) -> Table:
    """The rows of one attack radius, a block for each training and budget."""
    shown = [row for row in rows if row.eps == eps]
    lines = tuple(
        Line(
            words=(row.method, "all" if row.ipc is None else f"{row.ipc}", row.training, _seeds(row)),
            numbers=(
                Number(mean=row.clean, std=row.clean_std, interval=row.clean_interval),
                Number(mean=row.attacked, std=row.attacked_std, interval=row.attacked_interval),
            ),
            block=f"{row.training} {row.ipc}",
            reference=row.method == REFERENCE,
        )
        for row in shown
    )
    caption = (
        f"{_data(study.data.name)}, {study.network.name}. Robust: {ATTACKS[study.attack]}, {study.norm}, ε = {eps:.4g} "
        f"on {_each([row.attacked_images // row.seeds for row in shown])} test images for each seed; clean on "
        f"{_each([row.clean_images // row.seeds for row in shown])}. {WHAT}"
    )
    return Table(
        caption=caption, words=("Method", "Images per class", "Training", "Seeds"), numbers=ACCURACIES, lines=lines
    )


def _each(images: Sequence[int]) -> str:
    """How many images were judged: a test split may have had fewer than were asked for."""
    return " or ".join(f"{count:,}" for count in sorted(set(images)))


def _seeds(row: Row) -> str:
    return f"{row.seeds}" if row.networks == 1 else f"{row.seeds} × {row.networks}"


def of_runs(records: Sequence[RunRecord]) -> Table:
    """Finished runs as they are, each with its own attack; those under the same attack on the same data compare."""
    lines = []
    for record in records:
        found, config = RunResult.of(record), RunConfig(**record.config)
        if found.clean_acc is None or found.robust_acc is None or not found.clean_interval or not found.interval:
            continue
        attack = f"{found.attack}, {found.eval_images:,} images"
        lines.append(
            Line(
                words=(
                    config.method.name, f"{found.budget:,}", _data(config.data.name), config.training.name,
                    config.network.name, attack, f"{config.seed}",
                ),
                numbers=(
                    Number(mean=found.clean_acc, std=found.clean_std, interval=found.clean_interval),
                    Number(mean=found.robust_acc, std=found.robust_std, interval=found.interval),
                ),
                block=f"{found.data_hash} {attack}",
                reference=config.method.name == REFERENCE,
            )
        )  # fmt: skip
    words = ("Method", "Images", "Data", "Training", "Network", "Attack", "Seed")
    caption = "Single runs. Brackets are 95 % intervals over test images; bold: best under the same attack, or a tie."
    return Table(caption=caption, words=words, numbers=ACCURACIES, lines=tuple(lines))


def bibtex(configs: Sequence[RunConfig]) -> str:
    """The references of every method, training, network, attack and data set in these settings."""
    keys: set[str] = set()
    for config in configs:
        named = (
            (config.method.name, METHODS[config.method.name].source),
            (config.training.name, TRAINERS[config.training.name].source),
            (config.network.name, NETWORKS[config.network.name].source),
            (config.data.name, DATASETS[config.data.name].source if config.data.name in DATASETS else ""),
            (config.evaluation.attack, ""),
        )
        keys |= {key for name, source in named for key in references.keys(name, source)}
    return references.bibtex(keys)


def paragraph_of_study(study: Study) -> str:
    """The method of a study in plain English."""
    limit = f" (at most {study.data.limit:,} train images per class)" if study.data.limit else ""
    methods = _listed([METHODS[name].title for name in study.methods])
    trainings = _listed([TRAINERS[name].title for name in study.trainings])
    sets = f"{_listed([f'{ipc:,}' for ipc in study.ipc])} images per class"
    networks = "one network" if study.networks == 1 else f"{study.networks} networks of fresh weights"
    reference = (
        f" The same trainings on the full train split for {study.full_epochs:,} epochs are the reference."
        if study.reference_seeds
        else ""
    )
    cells = [f"{p.method} with {p.ipc:,} per class, {p.training} training, ε = {p.eps:.4g}" for p in study.places]
    besides = f" Single cells besides: {'; '.join(cells)}." if cells else ""
    return (
        f"We condense the train split of {_data(study.data.name)}{limit} to {sets} by {methods}. On each set we train "
        f"{networks} ({NETWORKS[study.network.name].title}) for {study.epochs:,} epochs; training: {trainings}, at "
        f"the norm and radius of the evaluation where it attacks.{reference} Pixels lie in [0, 1]. Clean accuracy is "
        f"measured on {study.images:,} test images, robust accuracy under {ATTACKS[study.attack]} in {study.norm} at "
        f"ε = {_listed([f'{eps:.4g}' for eps in study.eps])} on {study.attack_images:,}, drawn anew for each seed, the "
        f"same share of each class. An image that is wrong without an attack counts as not robust.{besides} "
        f"{_repeated(study)}"
    )


def _repeated(study: Study) -> str:
    if study.seeds == 1:
        return "Everything was done with one seed; intervals are Wilson's, at 95 %."
    return (
        f"Everything was repeated with {study.seeds} seeds, which draw the set, the weights and the test images; we "
        "report mean and standard deviation, and as 95 % interval the wider of Student's t and Wilson's over images."
    )


def paragraph_of_run(config: RunConfig) -> str:
    """The method of one run in plain English."""
    options = config.method.options.model_dump()
    chosen = ", ".join(f"{name} {value}" for name, value in options.items() if value not in (None, "", ()))
    training = ", ".join(f"{name} {value}" for name, value in config.training.options.model_dump().items())
    return (
        f"We condense the train split of {_data(config.data.name)} by {METHODS[config.method.name].title}"
        f"{f' ({chosen})' if chosen else ''} and train {NETWORKS[config.network.name].title} on the set: "
        f"{TRAINERS[config.training.name].title} ({training}). {_judged(config.evaluation)} The seed is {config.seed}."
    )


def _judged(judged: EvaluationConfig) -> str:
    return (
        f"Pixels lie in [0, 1]. Robust accuracy is that under {ATTACKS.get(judged.attack, judged.attack)} in "
        f"{judged.norm} at ε = {judged.eps:.4g} on {judged.images:,} test images, the same share of each class, with "
        "Wilson's 95 % interval; an image that is wrong without an attack counts as not robust."
    )


def _data(name: str) -> str:
    return DATASETS[name].title if name in DATASETS else PurePath(name).name


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
