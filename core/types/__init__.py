"""Frozen values that every layer shares."""

from core.types.condensed import CondensedSet
from core.types.data import DataConfig, Dataset, Norm, Split, TestSplit, TrainSplit
from core.types.model import TrainedModel
from core.types.options import OptionInfo, Options, option
from core.types.report import Accuracy, Attack, ClassCount, Part, RobustnessReport
from core.types.run import ENDED, EventRow, MapData, Members, RunRecord, Status
from core.types.seeds import stream
from core.types.tables import Input, Loader, Method, Network, Trainer

__all__ = [
    "ENDED", "Accuracy", "Attack", "ClassCount", "CondensedSet", "DataConfig", "Dataset", "EventRow", "Input", "Loader",
    "MapData", "Members", "Method", "Network", "Norm", "OptionInfo", "Options", "Part", "RobustnessReport", "RunRecord",
    "Split", "Status", "TestSplit", "TrainSplit", "TrainedModel", "Trainer", "option", "stream",
]  # fmt: skip
