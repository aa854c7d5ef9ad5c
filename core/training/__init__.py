"""Ways of training a network on a condensed set: one per file, one line each in the table. Light to import."""

from core.training import adversarial, fgsm_rs, standard, trades, warm_start
from core.types import Trainer

TRAINERS: dict[str, Trainer] = {
    "standard": standard.TRAINER,
    "adversarial": adversarial.TRAINER,
    "warm-start": warm_start.TRAINER,
    "trades": trades.TRAINER,
    "fgsm-rs": fgsm_rs.TRAINER,
}
