"""Attacks on anything that maps images in [0, 1] to logits: networks and kernel regressors alike."""

from core.attacks.fgsm import fgsm
from core.attacks.guard import untouched
from core.attacks.pgd import pgd, pgd_steps

__all__ = ["fgsm", "pgd", "pgd_steps", "untouched"]
