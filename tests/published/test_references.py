"""Whatever names a number of a paper has its entry, and an entry is cited by what it is about."""

import re

import pytest

from core.api import DATASETS, METHODS, NETWORKS, TRAINERS
from core.published.references import NAMED, NUMBER, bibtex, entries, keys

ROWS = {**METHODS, **TRAINERS, **NETWORKS}


@pytest.mark.parametrize("name", ROWS)
def test_every_row_that_names_a_paper_has_an_entry_for_each_of_its_numbers(name: str):
    numbers = NUMBER.findall(ROWS[name].source)
    cited = bibtex(keys(name, ROWS[name].source))
    assert all(f"{{{arxiv or doi}}}" in cited for arxiv, doi in numbers), ROWS[name].source
    year = re.search(r"\b(1|2)\d{3}\b", re.sub(r"\S*:\S*", "", ROWS[name].source))
    assert year is None or f"year = {{{year[0]}}}" in cited


def test_downloaded_data_sets_are_cited():
    assert all(keys(name) for name, row in DATASETS.items() if row.kind == "download")


def test_entries_are_whole_and_named_once():
    found = entries()
    text = "\n\n".join(found.values())
    assert text.count("\n@") + 1 == len(found) and {key for named in NAMED.values() for key in named} <= set(found)
    for entry in found.values():
        assert entry.count("{") == entry.count("}") and all(f"  {part} = {{" in entry for part in ("title", "author"))
        assert re.search(r"year = \{\d{4}\}", entry)


def test_a_list_has_each_entry_once():
    assert bibtex([*keys("pgd"), *keys("strong")]).count("@inproceedings{madry2018,") == 1
