"""The table of condensation methods: one line a method, one file a method."""

from core.compressors import adv_kip, full, k_center, kip, mfc, random
from core.types import Method

METHODS: dict[str, Method] = {
    "mfc": Method(title="Minimal finite covering", kind="coreset", source="Chen & Selvan 2024, arXiv:2402.05675", Config=mfc.Config, condense=mfc.condense),  # noqa: E501
    "k-center": Method(title="k-center greedy", kind="coreset", source="Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5", Config=k_center.Config, condense=k_center.condense),  # noqa: E501
    "kip": Method(title="KIP", kind="synthetic", source="Nguyen et al. 2021, arXiv:2011.00050", Config=kip.Config, condense=kip.condense),  # noqa: E501
    "adv-kip": Method(title="adv-KIP", kind="synthetic", source="Tsilivis et al. 2022, arXiv:2207.11727", Config=adv_kip.Config, condense=adv_kip.condense),  # noqa: E501
    "random": Method(title="Random selection", kind="coreset", source="the bar for every method", Config=random.Config, condense=random.condense),  # noqa: E501
    "full": Method(title="Full data (reference)", kind="coreset", source="nothing left out", Config=full.Config, condense=full.condense),  # noqa: E501
}  # fmt: skip
