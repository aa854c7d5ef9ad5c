"""The door by itself, with a bell behind it that tells who got through."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core import api
from core.ui.door import HEADERS, Door

KEYS = api.access.Keys(owner="o" * 24, guest="g" * 24)
HOST = "localhost:8501"


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setenv("BALLAST_ACCESS", "token")
    monkeypatch.setenv("BALLAST_OWNER_TOKEN", KEYS.owner)
    monkeypatch.setenv("BALLAST_GUEST_TOKEN", KEYS.guest)


def knock(
    path: str = "/", *, kind: str = "http", client: str = "127.0.0.1", method: str = "GET", **headers: str
) -> Any:
    """Status, headers and body of the answer; "through" is the body of what is behind the door."""
    path, _, query = path.partition("?")
    sent: list[Any] = []
    wanted = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": kind, "path": path, "query_string": query.encode(), "client": (client, 5), "method": method,
        "scheme": kind,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in wanted.items() if value],
    }  # fmt: skip

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        if kind == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Frame-Options", b"ALLOW")]})
            await send({"type": "http.response.body", "body": b"through"})
        else:
            await send({"type": "websocket.accept"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    with ThreadPoolExecutor(1) as apart:  # a browser of other tests has a loop of its own in this thread
        apart.submit(asyncio.run, Door(behind)(scope, receive, send)).result()
    if kind == "websocket":
        return sent[0]["type"] == "websocket.accept"
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"].decode()


def enter(key: str) -> str:
    """The cookie that a link with this key gives."""
    status, headers, _ = knock(f"/runs?token={key}&run=a%26b")
    assert (status, headers["location"]) == (303, "/runs?run=a%26b")
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=Lax" in headers["set-cookie"]
    assert key not in headers["set-cookie"]
    return headers["set-cookie"].partition(";")[0]


def test_what_is_not_shared_is_for_this_machine_only() -> None:
    assert knock()[2] == "through" and knock(kind="websocket")
    for client in ("192.168.0.9", "10.1.2.3", "fe80::1%eth0"):
        assert knock(client=client)[0] == 403 and not knock(client=client, kind="websocket")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("wrong", [{"host": "evil.com"}, {"origin": "http://evil.com"}, {"origin": "null"},
                                   {"host": ""}, {"host": "evil.com", "origin": "http://evil.com"}])  # fmt: skip
def test_a_foreign_name_or_page_is_turned_away(kind: str, wrong: dict[str, str]) -> None:
    answer = knock(kind=kind, **wrong)
    assert answer is False or answer[0] == 403
    assert knock(kind=kind, origin=f"http://{HOST}")


@pytest.mark.usefixtures("shared")
def test_nobody_comes_in_without_a_key() -> None:
    cookie = enter(KEYS.guest)
    places = ["/", "/runs", "/_stcore/host-config", "/media/abc.png", "/static/js/main.js", "/_stcore/stream"]
    for path in [*places, "/?token=", "/?token=wrong", "/?token=" + KEYS.guest[:-1]]:
        assert knock(path)[0] == 403, path
        assert KEYS.guest not in knock(path)[2] and "through" not in knock(path)[2]
    assert all(knock(path, cookie=cookie)[2] == "through" for path in places)
    assert not knock("/_stcore/stream", kind="websocket")
    assert not knock(f"/_stcore/stream?token={KEYS.owner}", kind="websocket")
    assert knock("/_stcore/stream", kind="websocket", cookie=cookie, client="192.168.0.9")
    assert knock("/_stcore/health")[2] == "through"


@pytest.mark.usefixtures("shared")
def test_a_link_leads_to_this_server_only() -> None:
    for path in ("//evil.com/", "/\\evil.com", "///evil.com"):
        location = knock(f"{path}?token={KEYS.owner}")[1]["location"]
        assert location.startswith("/") and not location.startswith(("//", "/\\")), location


@pytest.mark.usefixtures("shared")
def test_a_forged_cookie_is_none() -> None:
    cookie = enter(KEYS.guest)
    for forged in (cookie[:-1], cookie.replace("guest", "owner"), "", "x=1; =; ;;", "ballast=owner"):
        assert knock(cookie=forged)[0] == 403
    assert knock(cookie=f"odd[name]=1; other=2; {cookie}")[2] == "through"


@pytest.mark.usefixtures("shared")
def test_numbers_of_the_server_are_for_nobody() -> None:
    assert knock("/_stcore/metrics", cookie=enter(KEYS.owner))[0] == 404


@pytest.mark.usefixtures("shared")
def test_large_files_of_guests_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLAST_GUEST_UPLOAD", "2")
    guest, owner = enter(KEYS.guest), enter(KEYS.owner)
    path = "/_stcore/upload_file/session/file"
    for length in ("900000000", "", "-5", "many"):
        assert knock(path, method="PUT", cookie=guest, content_length=length)[0] == 413
    assert knock(path, method="PUT", cookie=guest, content_length="2000000")[2] == "through"
    assert knock(path, method="PUT", cookie=owner, content_length="900000000")[2] == "through"


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("through", [True, False])
def test_every_answer_keeps_the_browser_to_this_server(through: bool) -> None:
    headers = knock(cookie=enter(KEYS.guest) if through else "")[1]
    assert headers | HEADERS == headers
    assert "default-src 'self'" in headers["content-security-policy"] and "*" not in headers["content-security-policy"]
