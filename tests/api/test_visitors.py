"""What a guest may not do is refused by the api itself, whatever a page shows; an owner and a shell may do all."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import api
from core.api import visitors, workplace
from core.errors import AccessError, BallastError, ConfigError, DataError
from core.types import OWNER, DataConfig, Visitor

GUEST, OTHER = (Visitor(role="guest", id=name, free=False) for name in ("anna", "bert"))
HOST = Visitor(role="owner", free=False)
QUICK = {"data": {"name": "moons"}, "method": {"name": "random", "options": {"ipc": 2}}, "seed": 1}


class Nobody:
    def submit(self, run_id: str) -> None: ...

    def cancel(self, run_id: str) -> None:
        workplace.store().request_cancel(run_id)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, nobody who works, and the owner at the door again afterwards."""
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    for module in ("queue", "work", "visitors"):
        monkeypatch.setattr(f"core.api.{module}.executor", Nobody)
    yield tmp_path / "home"
    api.visitors.ask(lambda: OWNER)
    workplace.store().close()


def by(visitor: Visitor) -> None:
    api.visitors.ask(lambda: visitor)


def queued(seed: int = 1) -> str:
    return api.submit({**QUICK, "seed": seed})


def ended(run_id: str) -> str:
    workplace.store().request_cancel(run_id)
    return run_id


CHANGES: dict[str, Callable[[str], object]] = {
    "stop": api.cancel,
    "rename": lambda run_id: api.rename(run_id, "taken"),
    "resume": lambda run_id: api.resume(ended(run_id)),
    "delete": lambda run_id: api.delete(ended(run_id)),
    "end early": api.covering.stop,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("whose", [HOST, OTHER], ids=["the owner's", "another guest's"])
def test_a_guest_changes_no_runs_of_others(whose: Visitor, change: Callable[[str], object]):
    by(whose)
    run_id = queued()
    by(GUEST)
    with pytest.raises(AccessError, match=f"run {run_id} is not yours"):
        change(run_id)
    assert api.get(run_id).name != "taken"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("who", [GUEST, HOST, OWNER], ids=["the guest", "the owner", "a shell"])
def test_a_guest_changes_their_own_runs_and_the_owner_everybodys(who: Visitor, change: Callable[[str], object]):
    by(GUEST)
    run_id = queued()
    assert api.get(run_id).visitor == GUEST.id
    by(who)
    change(run_id)


@pytest.mark.parametrize(
    "change",
    [lambda: api.set_parallel(1), lambda: api.study.begin("s", {}), lambda: api.study.start("s"),
     lambda: api.study.stop("s")],
)  # fmt: skip
def test_what_concerns_everybody_is_the_owners(change: Callable[[], object], home: Path):
    by(GUEST)
    with pytest.raises(AccessError, match="guests cannot .*: ask the owner"):
        change()
    assert not (home / "studies").exists()


def test_a_guest_has_a_few_runs_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_GUEST_RUNS", "2")
    by(GUEST)
    first, _ = queued(1), queued(2)
    with pytest.raises(AccessError, match="you have 2 runs waiting or working"):
        queued(3)
    api.cancel(first)
    queued(3)
    with pytest.raises(AccessError, match="you have 2 runs"):
        api.resume(first)
    by(OTHER)
    queued(4)
    by(OWNER)
    assert len({queued(seed) for seed in range(5, 15)}) == 10


def test_all_guests_together_have_a_queue_of_some_length(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_GUEST_QUEUE", "3")
    by(OWNER)
    queued(0)
    for seed in range(1, 4):
        by(Visitor(role="guest", id=f"g{seed}", free=False))
        queued(seed)
    by(GUEST)
    with pytest.raises(AccessError, match="guests of this server have 3 runs waiting"):
        queued(4)


def test_runs_of_guests_end_when_their_time_is_over(monkeypatch: pytest.MonkeyPatch):
    by(GUEST)
    late, fresh, waiting = queued(1), queued(2), queued(3)
    by(OWNER)
    mine = queued(4)
    now, store = visitors.time.time(), workplace.store()
    for run_id, started in ((late, now - 1201), (fresh, now - 1100), (mine, now - 9999)):
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda started=started: started)
            store.claim(run_id, pid=1, born=0.0)
    assert api.visitors.stop_overtime() == [late]
    assert store.owner(late).cancel and not store.owner(fresh).cancel and not store.owner(mine).cancel
    assert store.get(waiting).status == "queued"


@pytest.mark.parametrize("text", ["0", "-1", "many", "1e3", "٣", "1000000"])
def test_a_limit_that_is_none_is_one_sentence(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_GUEST_RUNS", text)
    with pytest.raises(ConfigError, match="BALLAST_GUEST_RUNS must be a whole number"):
        api.visitors.limits()


def archive(size: int = 1) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "x" * size)
    return io.BytesIO(out.getvalue())


def test_a_guest_sends_small_files(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_GUEST_UPLOAD", "1")
    by(GUEST)
    path = api.upload("small.npz", archive()).name
    with pytest.raises(DataError, match="larger than 1 MB"):
        api.upload("large.npz", archive(2_000_000))
    assert api.uploads() == [path]
    api.prepare(DataConfig(name=path))
    by(HOST)
    api.upload("large.npz", archive(2_000_000))


PATHS = ["/etc/shadow", "/etc/hostname", "/etc", "/nowhere/at/all.npz", "../../etc/passwd", "x" * 300, "a\0b", "~root",
         "access.json", ".", "", "/proc/self/environ", "\udcff", "~nobody-of-this-name/x"]  # fmt: skip


@pytest.mark.parametrize("visitor", [GUEST, HOST], ids=["guest", "owner of a shared server"])
def test_missing_and_forbidden_paths_have_one_answer(visitor: Visitor, home: Path):
    (home / "data").mkdir(parents=True)
    outside = home / "secret.npz"
    outside.write_bytes(b"secret")
    (home / "data" / "link.npz").symlink_to(outside)
    by(visitor)
    answers = set()
    more = (outside, home / "data", home / "data" / "link.npz", home / "data/../x.npz")
    for name in [*PATHS, *map(str, more)]:
        with pytest.raises(BallastError) as refused:
            api.prepare(DataConfig(name=name))
        answers.add(str(refused.value))
        with pytest.raises(BallastError) as refused:
            api.submit({**QUICK, "data": {"name": name}})
        answers.add(str(refused.value))
        assert api.prepared(DataConfig(name=name)) is None
    assert len(answers) == 1, answers
    assert api.runs(kind=None) == []


def test_no_file_is_looked_into_for_somebody_who_may_not_read_it(home: Path, monkeypatch: pytest.MonkeyPatch):
    outside = home / "secret.npz"
    outside.parent.mkdir(parents=True, exist_ok=True)
    outside.write_bytes(b"secret")
    by(GUEST)
    monkeypatch.setattr("core.settings.identity.fingerprint", lambda path: pytest.fail(f"{path} was read"))
    assert api.prepared(DataConfig(name=str(outside))) is None
    with pytest.raises(DataError):
        api.prepare(DataConfig(name=str(outside)))


def test_configured_folders_are_read_on_a_shared_server(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "sets"
    folder.mkdir()
    (folder / "own.npz").write_bytes(b"own")
    config = DataConfig(name=str(folder / "own.npz"))
    by(HOST)
    with pytest.raises(DataError, match="this server reads only"):
        api.prepare(config)
    monkeypatch.setenv("BALLAST_ROOTS", str(folder))
    assert api.get(api.prepare(config)).status == "queued"
    by(GUEST)
    with pytest.raises(DataError, match="this server reads only"):
        api.submit({**QUICK, "data": {"name": str(folder / "own.npz"), "limit": 3}})


def test_a_method_starts_from_a_run_of_the_store_and_from_no_file(home: Path):
    by(GUEST)
    name = next(name for name, row in api.METHODS.items() if "start" in row.takes)
    api.submit({**QUICK, "method": {"name": name, "options": {"ipc": 1, "start": queued()}}})
    for place in ("/etc/passwd", "../data", "..", "20200101-000000-abcdef"):
        with pytest.raises(DataError, match="this server reads only"):
            api.submit({**QUICK, "method": {"name": name, "options": {"ipc": 1, "start": place}}})


def test_old_attacks_of_others_stay(monkeypatch: pytest.MonkeyPatch):
    store = workplace.store()
    ids = {who: [store.create("attack", {}, name="", digest="", lane="work", visitor=who) for _ in range(3)]
           for who in ("", GUEST.id)}  # fmt: skip
    for run_id in [*ids[""], *ids[GUEST.id]]:
        store.request_cancel(run_id)
    by(GUEST)
    api.work.prune("attack", 1)
    left = {record.id for record in store.runs(kind="attack")}
    assert set(ids[""]) <= left and len(left & set(ids[GUEST.id])) == 1


def test_the_log_of_a_worker_stays_with_the_owner(home: Path):
    by(HOST)
    run_id = queued()
    folder = home / "runs" / run_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "worker.log").write_text("Traceback: /home/owner/secret.py")
    (folder / "report.json").write_text("{}")

    def names() -> set[str]:
        return set(zipfile.ZipFile(io.BytesIO(api.export(run_id))).namelist())

    assert {"worker.log", "report.json"} <= names()
    by(GUEST)
    assert "worker.log" not in names() and "report.json" in names()
