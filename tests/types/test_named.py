"""Work by name: every row of every table leads to a function, and a wrong name says what is wrong with it."""

import pytest

from core.compressors import METHODS
from core.datasets import DATASETS
from core.jobs.kinds import KINDS, WARM
from core.networks import NETWORKS
from core.training import TRAINERS
from core.types import Named

ROWS = [
    *(row.condense for row in METHODS.values()),
    *(row.build for row in NETWORKS.values()),
    *(row.train for row in TRAINERS.values()),
    *(row.load for row in DATASETS.values()),
    *(kind.perform for kind in KINDS.values()),
    *WARM,
]


@pytest.mark.parametrize("work", ROWS, ids=lambda work: work.name)
def test_every_row_names_a_function(work: Named):
    found = work.resolve()
    assert getattr(found, "func", found).__module__ == work.module  # a partial serves several rows with one function


def test_calling_a_name_calls_its_function():
    work = Named("fractions:Fraction")
    assert work(1, denominator=3) == work.resolve()(1, 3) and work.module == "fractions"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("core.types.named", "package.module:function"),
        ("core.types.named:", "package.module:function"),
        (":resolve", "package.module:function"),
        ("core.types.nowhere:work", "no module core.types.nowhere"),
        ("nowhere.at.all:work", "no module nowhere"),
        ("core.types.named:nobody", "core.types.named has no function nobody"),
        ("core.types.named:__doc__", "has no function __doc__"),
    ],
)
def test_a_name_that_leads_nowhere_says_so(name: str, words: str):
    with pytest.raises(AssertionError, match=words):
        Named(name).resolve()


def test_what_a_module_lacks_itself_is_not_blamed_on_the_name(tmp_path, monkeypatch):
    (tmp_path / "incomplete_work.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        Named("incomplete_work:work").resolve()
