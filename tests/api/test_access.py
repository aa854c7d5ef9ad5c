"""Who is let in: keys, cookies and addresses. What is not exactly right is refused."""

import json
import stat
from pathlib import Path

import pytest

from core.api import access
from core.errors import ConfigError
from core.types import OWNER, Visitor

KEYS = access.Keys(owner="o" * 24, guest="g" * 24)


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BALLAST_ACCESS", "BALLAST_HOSTS", "BALLAST_OWNER_TOKEN", "BALLAST_GUEST_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_misspelt_word_does_not_open_the_door(monkeypatch: pytest.MonkeyPatch):
    assert not access.shared()
    monkeypatch.setenv("BALLAST_ACCESS", "token")
    assert access.shared()
    monkeypatch.setenv("BALLAST_ACCESS", "tokens")
    with pytest.raises(ConfigError, match="BALLAST_ACCESS is 'token'"):
        access.shared()


def test_keys_are_made_once_for_a_home_and_are_for_its_user_only(tmp_path: Path):
    found = access.keys(tmp_path)
    assert found == access.keys(tmp_path) and found.owner != found.guest
    assert stat.S_IMODE((tmp_path / "access.json").stat().st_mode) == 0o600
    (tmp_path / "access.json").unlink()
    assert access.keys(tmp_path).owner != found.owner


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"owner": "short", "guest": "g" * 24}),
                                     json.dumps({"owner": "same" * 6, "guest": "same" * 6})])  # fmt: skip
def test_keys_that_prove_nothing_are_refused(content: str, tmp_path: Path):
    (tmp_path / "access.json").write_text(content)
    with pytest.raises(ConfigError, match="delete"):
        access.keys(tmp_path)


def test_variables_replace_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_OWNER_TOKEN", KEYS.owner)
    monkeypatch.setenv("BALLAST_GUEST_TOKEN", KEYS.guest)
    assert access.keys(tmp_path) == KEYS and not (tmp_path / "access.json").exists()


@pytest.mark.parametrize(("key", "role"), [(KEYS.owner, "owner"), (KEYS.guest, "guest"), ("", None), ("o" * 23, None),
                                           ("ö" * 24, None), ("\udcff", None)])  # fmt: skip
def test_a_key_is_of_one_role_or_of_none(key: str, role: str | None):
    assert access.role_of(key, KEYS) == role


def test_a_cookie_proves_role_and_browser():
    guest, other = access.seal("guest", KEYS), access.seal("guest", KEYS)
    found = access.unseal({KEYS.cookie: guest}, KEYS)
    assert found is not None and (found.role, found.free) == ("guest", False) and found.id
    assert found.id != access.unseal({KEYS.cookie: other}, KEYS).id
    owner = access.unseal({KEYS.cookie: access.seal("owner", KEYS)}, KEYS)
    assert owner == Visitor(role="owner", id="", free=False)


def test_a_forged_cookie_proves_nothing():
    guest = access.seal("guest", KEYS)
    _, name, seal = guest.split(".")
    forged = ["", "owner", f"owner.{name}.{seal}", f"guest.x{name}.{seal}", f"guest.{name}.{seal[:-1]}", f"{guest}.",
              f"guest.{name}.", f"guest.{name}.ö", ".."]  # fmt: skip
    assert all(access.unseal({KEYS.cookie: text}, KEYS) is None for text in forged)
    assert access.unseal({"ballast": guest}, KEYS) is None
    assert access.unseal({KEYS.cookie: guest}, access.Keys(owner=KEYS.owner, guest="h" * 24)) is None


def test_nobody_is_known_on_a_shared_server_without_a_cookie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert access.visitor({}, tmp_path) is OWNER
    monkeypatch.setenv("BALLAST_ACCESS", "token")
    assert access.visitor({}, tmp_path) is None


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost:8501", True), ("127.0.0.1:8501", True), ("[::1]:8501", True), ("192.168.1.7", True),
        ("lab.example.org:80", True), ("LAB.example.org", True), ("evil.com", False), ("evil.com:8501", False),
        ("127.0.0.1.evil.com", False), ("localhost.evil.com", False), ("evil.com@127.0.0.1", False),
        ("127.0.0.1/evil", False), ("", False), (None, False), ("localhost:x", False), ("other.example.org", False),
    ],
)  # fmt: skip
def test_a_server_answers_to_its_own_names_only(host: str | None, known: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_HOSTS", "lab.example.org, ")
    assert access.answers_to(host) is known


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (None, True), ("http://localhost:8501", True), ("http://localhost:9000", False), ("https://evil.com", False),
        ("null", False), ("", False), ("https://lab.example.org", True), ("http://localhost:8501.evil.com", False),
    ],
)  # fmt: skip
def test_only_pages_of_the_server_speak_with_it(origin: str | None, own: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_HOSTS", "lab.example.org")
    assert access.same_origin(origin, "localhost:8501") is own


@pytest.mark.parametrize(("address", "near"), [(None, True), ("127.0.0.1", True), ("127.8.0.1", True), ("::1", True),
                                               ("::ffff:127.0.0.1", True), ("192.168.0.2", False), ("10.0.0.1", False),
                                               ("::ffff:10.0.0.1", False), ("x", False)])  # fmt: skip
def test_near_is_this_machine(address: str | None, near: bool):
    assert access.is_near(address) is near
