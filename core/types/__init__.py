"""Frozen values that every layer shares."""

from core.types.condensed import Balls, CondensedSet
from core.types.data import (
    OF_SOURCE,
    DataConfig,
    Dataset,
    Norm,
    Split,
    TestSplit,
    TrainSplit,
    as_norm,
    only_test,
    only_train,
)
from core.types.draw import drawn_part, in_proportion
from core.types.experts import Experts
from core.types.explained import Explained
from core.types.model import TrainedModel
from core.types.named import Named, OnTrain
from core.types.options import OptionInfo, Options, option
from core.types.origin import Origin
from core.types.playback import Playback
from core.types.report import (
    Accuracy,
    Attack,
    ClassCount,
    NearestReport,
    Part,
    RobustnessReport,
    Verdicts,
    usual_step,
    wilson,
)
from core.types.run import ENDED, EventRow, MapData, Members, RunRecord, Status
from core.types.seeds import stream
from core.types.tables import Input, Loader, Method, Network, NetworkOptions, Trainer
from core.types.told import Told, Values
from core.types.understood import LeftOut, PixelRange, Understood
from core.types.visitor import OWNER, Role, Visitor

__all__ = [
    "ENDED", "OF_SOURCE", "OWNER", "Accuracy", "Attack", "Balls", "ClassCount", "CondensedSet", "DataConfig", "Dataset",
    "EventRow", "Experts", "Explained", "Input", "LeftOut", "Loader", "MapData", "Members", "Method", "Named",
    "NearestReport", "Network", "NetworkOptions", "Norm", "OnTrain", "OptionInfo", "Options", "Origin", "Part",
    "PixelRange", "Playback", "RobustnessReport", "Role", "RunRecord", "Split", "Status", "TestSplit", "Told",
    "TrainSplit", "TrainedModel", "Trainer", "Understood", "Values", "Verdicts", "Visitor", "as_norm", "drawn_part",
    "in_proportion", "only_test", "only_train", "option", "stream", "usual_step", "wilson",
]  # fmt: skip
