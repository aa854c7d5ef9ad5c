"""The table of ways of training: one per file, one line each. Light: their settings are in `options`."""

from core.training import options
from core.types import Named, Trainer
from core.types.plugins import extend

TRAINERS: dict[str, Trainer] = {
    "standard": Trainer(
        title="Standard",
        source="empirical risk minimisation",
        Config=options.Standard,
        train=Named("core.training.standard:train"),
    ),
    "adversarial": Trainer(
        title="Adversarial (PGD)",
        source="Madry et al. 2018, arXiv:1706.06083",
        Config=options.Adversarial,
        train=Named("core.training.adversarial:train"),
    ),
    "warm-start": Trainer(
        title="Adversarial (warm start)",
        source="Zheng et al. 2020, arXiv:1912.11969",
        Config=options.WarmStart,
        train=Named("core.training.warm_start:train"),
    ),
    "trades": Trainer(
        title="TRADES",
        source="Zhang et al. 2019, arXiv:1901.08573",
        Config=options.Trades,
        train=Named("core.training.trades:train"),
    ),
    "fgsm-rs": Trainer(
        title="Adversarial (FGSM, random start)",
        source="Wong et al. 2020, arXiv:2001.03994",
        Config=options.FGSMRS,
        train=Named("core.training.fgsm_rs:train"),
    ),
    "cure": Trainer(
        title="Curvature regularisation (CURE)",
        source="Moosavi-Dezfooli et al. 2019, arXiv:1811.09716",
        Config=options.Cure,
        train=Named("core.training.cure:train"),
    ),
    "ibp": Trainer(
        title="Interval bounds (certified)",
        source="Gowal et al. 2018, arXiv:1810.12715",
        Config=options.IBP,
        train=Named("core.training.ibp:train"),
        networks=("mlp", "small-cnn", "lenet"),
    ),
    "smoothing": Trainer(
        title="Noise, for randomised smoothing",
        source="Cohen et al. 2019, arXiv:1902.02918",
        Config=options.Smoothing,
        train=Named("core.training.smoothing:train"),
    ),
}

extend("TRAINERS", TRAINERS, options.TrainingOptions)
