"""BibTeX of what a result stands on: methods, ways of training, networks, attacks and data sets.

A row of a table names its source as text with an arXiv number or a DOI; the entry with that number in `references.bib`
is the one to cite. What has neither number, as most data sets, is named here.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

BIB = Path(__file__).with_name("references.bib")
NUMBER = re.compile(r"arXiv:(\d{4}\.\d{5})|doi:(\S+)")
NAMED: Mapping[str, tuple[str, ...]] = {
    "robust-dm": ("zhou2025",),
    "mlp": ("rumelhart1986",),
    "digits": ("alpaydin1998", "pedregosa2011"),
    "mnist": ("lecun1998",),
    "fashion-mnist": ("xiao2017",),
    "kmnist": ("clanuwat2018",),
    "svhn": ("netzer2011",),
    "cifar10": ("krizhevsky2009",),
    "cifar100": ("krizhevsky2009",),
    "autoattack": ("croce2020",),
    "strong": ("madry2018", "croce2020"),
    "pgd": ("madry2018",),
}


def entries() -> dict[str, str]:
    """Every entry of the file by its key, as text."""
    texts = re.split(r"\n\s*\n", BIB.read_text(encoding="utf-8").strip())
    return {text.partition("{")[2].partition(",")[0]: text for text in texts}


def keys(name: str, source: str = "") -> tuple[str, ...]:
    """The keys to cite for a row of a table; () where there is nothing to cite.

    name    of the row, of a data set or of an attack
    source  what the row says of where it is from
    """
    numbers = [arxiv or doi for arxiv, doi in NUMBER.findall(source)]
    found = [key for number in numbers for key, text in entries().items() if f"{{{number}}}" in text]
    return tuple(dict.fromkeys((*NAMED.get(name, ()), *found)))


def bibtex(wanted: Iterable[str]) -> str:
    """The entries of these keys, each once, in the order of their keys."""
    known = entries()
    return "\n\n".join(known[key] for key in sorted(set(wanted)))
