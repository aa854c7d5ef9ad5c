"""The table of condensation methods: one line a method, one file a method."""

from core.compressors import full, k_center, mfc, random
from core.types import Method

METHODS: dict[str, Method] = {
    "mfc": Method(title="Minimal finite covering", kind="coreset", source="Chen & Selvan 2024, arXiv:2402.05675", Config=mfc.Config, condense=mfc.condense),  # noqa: E501
    "k-center": Method(title="k-center greedy", kind="coreset", source="Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5", Config=k_center.Config, condense=k_center.condense),  # noqa: E501
    "random": Method(title="Random selection", kind="coreset", source="the bar for every method", Config=random.Config, condense=random.condense),  # noqa: E501
    "full": Method(title="Full data (reference)", kind="coreset", source="nothing left out", Config=full.Config, condense=full.condense),  # noqa: E501
}  # fmt: skip
