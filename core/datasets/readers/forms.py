"""By which names of files the forms of data are known. Light: pages import it too."""

import re

from core.datasets.readers.roles import role_of

IDX = re.compile(r"(images|labels)[-._]idx\d[-._]ubyte(\.gz)?$", re.IGNORECASE)
SHARD = re.compile(r"-of-(\d{1,9})\.parquet$", re.IGNORECASE)
TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


def idx(name: str) -> bool:
    """Whether a file is an IDX file."""
    return IDX.search(name) is not None


def cifar(name: str) -> bool:
    """Whether a file is one of CIFAR's; of CIFAR-100 only `meta` has a name of its own."""
    return name in ("batches.meta", "meta", "test_batch") or name.startswith("data_batch_")


def parquet(name: str) -> bool:
    """Whether a file is parquet."""
    return name.lower().endswith(".parquet")


def table(name: str) -> bool:
    """Whether a file is a table."""
    return name.lower().endswith(TABLES)


def files_of(name: str) -> int:
    """Of how many files a parquet is one, as the hub numbers them: train-00000-of-00002; else 1."""
    found = SHARD.search(name)
    return int(found[1]) if found else 1


def npy(name: str) -> bool:
    """Whether a file is a single array whose name says what it is."""
    return name.lower().endswith(".npy") and role_of(name[:-4]) is not None
