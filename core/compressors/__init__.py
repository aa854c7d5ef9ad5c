"""The table of condensation methods: one line a method, one file a method."""

from core.compressors import (
    adv_kip,
    dc,
    dm,
    dsa,
    full,
    herding,
    k_center,
    k_means,
    kip,
    mfc,
    random,
    relabelled,
    robust_features,
)
from core.compressors.source import teacher
from core.types import Method

METHODS: dict[str, Method] = {
    "mfc": Method(title="Minimal finite covering", kind="coreset", source="Chen & Selvan 2024, arXiv:2402.05675", Config=mfc.Config, condense=mfc.condense),  # noqa: E501
    "k-center": Method(title="k-center greedy", kind="coreset", source="Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5", Config=k_center.Config, condense=k_center.condense),  # noqa: E501
    "herding": Method(title="Herding", kind="coreset", source="Welling 2009, doi:10.1145/1553374.1553517", Config=herding.Config, condense=herding.condense),  # noqa: E501
    "k-means": Method(title="k-means centroids", kind="synthetic", source="Lloyd 1982, doi:10.1109/TIT.1982.1056489", Config=k_means.Config, condense=k_means.condense),  # noqa: E501
    "dm": Method(title="Distribution matching (DM)", kind="synthetic", source="Zhao & Bilen 2023, arXiv:2110.04181", Config=dm.Config, condense=dm.condense),  # noqa: E501
    "dc": Method(title="Gradient matching (DC)", kind="synthetic", source="Zhao et al. 2021, arXiv:2006.05929", Config=dc.Config, condense=dc.condense),  # noqa: E501
    "dsa": Method(title="Siamese augmentation (DSA)", kind="synthetic", source="Zhao & Bilen 2021, arXiv:2102.08259", Config=dsa.Config, condense=dsa.condense),  # noqa: E501
    "kip": Method(title="KIP", kind="synthetic", source="Nguyen et al. 2021, arXiv:2011.00050", Config=kip.Config, condense=kip.condense, takes={"start": "condensed"}),  # noqa: E501
    "adv-kip": Method(title="adv-KIP", kind="synthetic", source="Tsilivis et al. 2022, arXiv:2207.11727", Config=adv_kip.Config, condense=adv_kip.condense, takes={"start": "condensed"}),  # noqa: E501
    "robust-features": Method(title="Robust features (D_R)", kind="synthetic", source="Ilyas et al. 2019, arXiv:1905.02175", Config=robust_features.RobustConfig, condense=robust_features.robust, takes={"source": "model"}, teacher=robust_features.robust_teacher),  # noqa: E501
    "non-robust-features": Method(title="Non-robust features (D_NR)", kind="synthetic", source="Ilyas et al. 2019, arXiv:1905.02175", Config=robust_features.NonRobustConfig, condense=robust_features.non_robust, takes={"source": "model"}, teacher=teacher),  # noqa: E501
    "relabelled-det": Method(title="Relabelled as the next class (D_det)", kind="synthetic", source="Ilyas et al. 2019, arXiv:1905.02175", Config=relabelled.Config, condense=relabelled.det, takes={"source": "model"}, teacher=teacher),  # noqa: E501
    "relabelled-rand": Method(title="Relabelled at random (D_rand)", kind="synthetic", source="Ilyas et al. 2019, arXiv:1905.02175", Config=relabelled.Config, condense=relabelled.rand, takes={"source": "model"}, teacher=teacher),  # noqa: E501
    "random": Method(title="Random selection", kind="coreset", source="the bar for every method", Config=random.Config, condense=random.condense),  # noqa: E501
    "full": Method(title="Full data (reference)", kind="coreset", source="nothing left out", Config=full.Config, condense=full.condense),  # noqa: E501
}  # fmt: skip
