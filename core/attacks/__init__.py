"""Attacks on anything that maps images in [0, 1] to logits: networks and kernel regressors alike.

| attack | source | file |
|---|---|---|
| `fgsm` | Goodfellow et al. 2015 | fgsm.py |
| `pgd` | Madry et al. 2018 | pgd.py |
| `autoattack` | Croce & Hein 2020 | autoattack.py |
| `deepfool`, minimal norm | Moosavi-Dezfooli et al. 2016 | deepfool.py |
| `carlini_wagner`, minimal norm | Carlini & Wagner 2017 | carlini_wagner.py |

`searching`, in precision.py, gives PGD and AutoAttack a cheaper model to differentiate. Lengths of the minimal-norm
attacks are distances; they are never averaged with accuracies within an eps.
"""

from core.attacks.autoattack import AutoAttackResult, Tick, autoattack, autoattack_steps, square_steps
from core.attacks.bounds import certified, worst_margins
from core.attacks.carlini_wagner import carlini_wagner
from core.attacks.deepfool import MinimalNorm, deepfool
from core.attacks.fgsm import fgsm
from core.attacks.guard import untouched
from core.attacks.losses import LOSSES
from core.attacks.pgd import Step, pgd, pgd_steps
from core.attacks.precision import searching

__all__ = [
    "LOSSES", "AutoAttackResult", "MinimalNorm", "Step", "Tick", "autoattack", "autoattack_steps",
    "carlini_wagner", "certified", "deepfool", "fgsm", "pgd", "pgd_steps", "searching", "square_steps",
    "untouched", "worst_margins",
]  # fmt: skip
