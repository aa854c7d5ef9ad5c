"""The table of peers: one row as it is made, and one whose peer cannot be had."""

import re
from pathlib import Path

import pytest

from benchmarks import peers


def duel(peer: str) -> peers.Duel:
    return next(one for one in peers.selections(quick=True) if peer in one.peer)


def test_a_row_has_both_times_their_ratio_and_both_answers(tmp_path: Path):
    row = peers.row(duel("loop on scikit"), tmp_path)
    work, peer, theirs, ours, ratio, answer = (part.strip() for part in row.strip("|").split("|"))
    assert work == "50 farthest points of 300 digits" and "scikit-learn" in peer
    assert float(theirs) >= 0 and float(ours) >= 0 and ratio.endswith("×")
    first, second = re.findall(r"[\d.]+", answer)
    assert float(first) == pytest.approx(float(second), abs=1e-4)


def test_a_peer_that_cannot_be_had_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def none(*_: object) -> Path:
        raise peers.Unavailable("no such package")

    monkeypatch.setattr(peers, "python_of", none)
    assert peers.row(duel("double loop"), tmp_path).endswith("| – | – | – | left out: no such package |")
