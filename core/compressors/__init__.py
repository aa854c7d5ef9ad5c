"""The table of condensation methods: a line and a file a method, in families. Light: work is named, on train images."""

from core.compressors.brought import options as brought
from core.compressors.features import options as features
from core.compressors.kernel import options as kernel
from core.compressors.matching import options as matching
from core.compressors.matching import trajectory_options as trajectories
from core.compressors.prototypes import options as prototypes
from core.compressors.regression import options as regression
from core.compressors.selection import full, random
from core.compressors.selection import options as selection
from core.types import Method, OnTrain
from core.types.plugins import extend

ROBUST = "robust from the data alone"
FRAGILE = "accurate from the data alone, and not robust"
STRANGE = "accurate on real images, from features that no person sees"

METHODS: dict[str, Method] = {
    "mfc": Method(
        title="Minimal finite covering",
        kind="coreset",
        source="Chen & Selvan 2024, arXiv:2402.05675",
        Config=selection.MFC,
        condense=OnTrain("core.compressors.selection.mfc:condense"),
    ),
    "k-center": Method(
        title="k-center greedy",
        kind="coreset",
        source="Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5",
        Config=selection.KCenter,
        condense=OnTrain("core.compressors.selection.k_center:condense"),
    ),
    "herding": Method(
        title="Herding",
        kind="coreset",
        source="Welling 2009, doi:10.1145/1553374.1553517",
        Config=selection.Herding,
        condense=OnTrain("core.compressors.selection.herding:condense"),
    ),
    "easy": Method(
        title="EasyCore",
        kind="coreset",
        source="Ramesh et al. 2025, arXiv:2510.11018",
        Config=selection.Easy,
        condense=OnTrain("core.compressors.selection.easy:condense"),
    ),
    "k-means": Method(
        title="k-means centroids",
        kind="synthetic",
        source="Lloyd 1982, doi:10.1109/TIT.1982.1056489",
        Config=prototypes.KMeans,
        condense=OnTrain("core.compressors.prototypes.k_means:condense"),
        version=2,
    ),
    "prototypes": Method(
        title="Certified prototypes",
        kind="synthetic",
        source="after Voráček & Hein 2022, arXiv:2207.07208",
        Config=prototypes.Prototypes,
        condense=OnTrain("core.compressors.prototypes.learned:condense"),
        takes={"start": "condensed"},
    ),
    "dm": Method(
        title="Distribution matching (DM)",
        kind="synthetic",
        source="Zhao & Bilen 2023, arXiv:2110.04181",
        Config=matching.DM,
        condense=OnTrain("core.compressors.matching.dm:condense"),
    ),
    "dc": Method(
        title="Gradient matching (DC)",
        kind="synthetic",
        source="Zhao et al. 2021, arXiv:2006.05929",
        Config=matching.DC,
        condense=OnTrain("core.compressors.matching.dc:condense"),
    ),
    "dsa": Method(
        title="Siamese augmentation (DSA)",
        kind="synthetic",
        source="Zhao & Bilen 2021, arXiv:2102.08259",
        Config=matching.DSA,
        condense=OnTrain("core.compressors.matching.dsa:condense"),
    ),
    "mtt": Method(
        title="Trajectory matching (MTT)",
        kind="synthetic",
        source="Cazenavette et al. 2022, arXiv:2203.11932",
        Config=trajectories.MTT,
        condense=OnTrain("core.compressors.matching.mtt:condense"),
        takes={"experts": "experts"},
        teacher=trajectories.teacher,
    ),
    "mat": Method(
        title="Adversarial trajectories (MAT)",
        kind="synthetic",
        source="after Lai et al. 2025, arXiv:2503.12069",
        Config=trajectories.MAT,
        condense=OnTrain("core.compressors.matching.mtt:condense_adversarial"),
        takes={"experts": "experts"},
        teacher=trajectories.robust_teacher,
        alone=ROBUST,
    ),
    "robust-dm": Method(
        title="Robust distribution matching",
        kind="synthetic",
        source="after Zhou et al. 2025 (ROME), ICML",
        Config=matching.RobustDM,
        condense=OnTrain("core.compressors.matching.robust_dm:condense"),
        alone=ROBUST,
    ),
    "kip": Method(
        title="KIP",
        kind="synthetic",
        source="Nguyen et al. 2021, arXiv:2011.00050",
        Config=kernel.KIP,
        condense=OnTrain("core.compressors.kernel.kip:condense"),
        takes={"start": "condensed"},
    ),
    "adv-kip": Method(
        title="adv-KIP",
        kind="synthetic",
        source="Tsilivis et al. 2022, arXiv:2207.11727",
        Config=kernel.AdvKIP,
        condense=OnTrain("core.compressors.kernel.adv_kip:condense"),
        takes={"start": "condensed"},
        alone=ROBUST,
    ),
    "frepo": Method(
        title="Feature regression (FRePo)",
        kind="synthetic",
        source="Zhou et al. 2022, arXiv:2206.00719",
        Config=regression.FRePo,
        condense=OnTrain("core.compressors.regression.frepo:condense"),
    ),
    "adv-frepo": Method(
        title="Adversarial FRePo",
        kind="synthetic",
        source="ours, after arXiv:2206.00719 and arXiv:2207.11727",
        Config=regression.AdvFRePo,
        condense=OnTrain("core.compressors.regression.frepo:condense_adversarial"),
        alone=ROBUST,
    ),
    "robust-features": Method(
        title="Robust features (D_R)",
        kind="synthetic",
        source="Ilyas et al. 2019, arXiv:1905.02175",
        Config=features.RobustFeatures,
        condense=OnTrain("core.compressors.features.robust_features:robust"),
        takes={"source": "model"},
        teacher=features.robust_teacher,
        alone=ROBUST,
    ),
    "non-robust-features": Method(
        title="Non-robust features (D_NR)",
        kind="synthetic",
        source="Ilyas et al. 2019, arXiv:1905.02175",
        Config=features.NonRobustFeatures,
        condense=OnTrain("core.compressors.features.robust_features:non_robust"),
        takes={"source": "model"},
        teacher=features.teacher,
        alone=FRAGILE,
    ),
    "relabelled-det": Method(
        title="Relabelled as the next class (D_det)",
        kind="synthetic",
        source="Ilyas et al. 2019, arXiv:1905.02175",
        Config=features.Relabelled,
        condense=OnTrain("core.compressors.features.relabelled:det"),
        takes={"source": "model"},
        teacher=features.teacher,
        alone=STRANGE,
    ),
    "relabelled-rand": Method(
        title="Relabelled at random (D_rand)",
        kind="synthetic",
        source="Ilyas et al. 2019, arXiv:1905.02175",
        Config=features.Relabelled,
        condense=OnTrain("core.compressors.features.relabelled:rand"),
        takes={"source": "model"},
        teacher=features.teacher,
        alone=STRANGE,
    ),
    "imported": Method(
        title="A set made elsewhere",
        kind="synthetic",
        source="whoever made it",
        Config=brought.Imported,
        condense=OnTrain("core.compressors.brought.imported:condense"),
        takes={"set": "brought"},
    ),
    "random": Method(
        title="Random selection",
        kind="coreset",
        source="the bar for every method",
        Config=random.Config,
        condense=OnTrain("core.compressors.selection.random:condense"),
    ),
    "full": Method(
        title="Full data (reference)",
        kind="coreset",
        source="nothing left out",
        Config=full.Config,
        condense=OnTrain("core.compressors.selection.full:condense"),
    ),
}

extend("METHODS", METHODS)
