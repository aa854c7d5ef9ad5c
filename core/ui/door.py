"""The door of the server: every request, of a page, a file or a session, passes here before Streamlit sees it.

An ASGI middleware. It answers only to its own names (a foreign Host or Origin is DNS rebinding or another site), lets
other machines in only when the server is shared and they show a key, and sends the headers that keep a browser from
asking anybody else. Source: OWASP cheat sheets on sessions, HTTP headers and CSRF.
"""

import asyncio
import html
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import cookie_parser
from streamlit import config

from core import api
from core.errors import BallastError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH, METRICS, UPLOAD = "/_stcore/health", "/_stcore/metrics", "/_stcore/upload_file/"
ENVELOPE = 1_000_000  # bytes that a form adds to a file
CLOCK_S = 2.0  # seconds between two looks at how long guests' runs have worked
POLICY = {
    "default-src": "'self'",
    # Streamlit evaluates Vega expressions and loads our components from blobs
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "frame-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Ballast</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:16px system-ui;max-width:34rem;margin:15vh auto;padding:0 1rem}}input{{font:inherit;width:20rem}}
@media(prefers-color-scheme:dark){{body{{background:#12161B;color:#E8EBEF}}}}</style>
<h1>Ballast</h1><p>{sentence}</p>{form}</html>"""
FORM = '<form><label>Key <input name="token" type="password" autofocus></label> <button>Enter</button></form>'


class Door:
    """Streamlit's own app behind the checks above."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._shared = api.access.shared()
        self._keys = api.access.keys(api.home()) if self._shared else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        answer = self._checked(scope)
        if answer is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, more, body = answer
            headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store", **more}
            await _with_headers(send)({
                "type": "http.response.start", "status": status,
                "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            })  # fmt: skip
            await send({"type": "http.response.body", "body": body.encode()})

    def _checked(self, scope: Scope) -> tuple[int, dict[str, str], str] | None:
        """Status, further headers and body of an answer at the door, or None for whoever may pass."""
        sent = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host, path = sent.get("host"), scope["path"]
        if not api.access.answers_to(host) or not api.access.same_origin(sent.get("origin"), host or ""):
            return _page(403, "This server does not answer to that name. Its owner can add it to BALLAST_HOSTS.")
        if path.endswith(HEALTH):
            return None
        if self._keys is None:
            near = api.access.is_near((scope.get("client") or ("127.0.0.1", 0))[0])
            return None if near else _page(403, "This server is not shared: its owner starts it with --share to do so.")
        return self._entered(scope, sent, path, self._keys)

    def _entered(
        self, scope: Scope, sent: dict[str, str], path: str, keys: api.access.Keys
    ) -> tuple[int, dict[str, str], str] | None:
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        token = next((value for name, value in query if name == "token"), None)
        if token is not None and scope["type"] == "http":
            if (role := api.access.role_of(token.strip(), keys)) is None:
                return _page(403, "This key is not, or no longer, one of this server.", form=True)
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            place = "/" + quote(path.lstrip("/")) + (f"?{rest}" if rest else "")
            secure = "; Secure" if scope.get("scheme") == "https" else ""
            cookie = f"{keys.cookie}={api.access.seal(role, keys)}; Path=/; HttpOnly; SameSite=Lax{secure}"
            cookie += f"; Max-Age={api.access.COOKIE_DAYS * 86400}"
            return 303, {"location": place, "set-cookie": cookie}, ""
        visitor = api.access.unseal(cookie_parser(sent.get("cookie", "")), keys)
        if visitor is None:
            return _page(403, "This server is shared by links: open the one that you were given.", form=True)
        if path.endswith(METRICS):
            return _page(404, "There is nothing here.")
        if visitor.role == "guest" and UPLOAD in path and scope.get("method") in ("PUT", "POST"):
            size = sent.get("content-length", "")
            most = api.visitors.limits().upload
            if not size.isdigit() or int(size) > most * api.visitors.MB + ENVELOPE:
                return _page(413, f"Guests may send files of {most} MB.")
        return None


@asynccontextmanager
async def keeping(app: Any) -> AsyncIterator[None]:
    """Say the links of a shared server, and end guests' runs that take too long, for as long as it is up."""
    if not api.access.shared():
        yield
        return
    most, keys, address = api.visitors.limits(), api.access.keys(api.home()), _address()
    sys.stderr.write(f"Shared by links, which stay the same until {api.home() / api.access.FILE} is deleted:\n")
    sys.stderr.write(f"  owner  {address}?token={keys.owner}\n  guest  {address}?token={keys.guest}\n")
    sys.stderr.write(f"Guests: {most.runs} runs at a time, {most.minutes} minutes each, files of {most.upload} MB.\n")
    sys.stderr.flush()
    clock = asyncio.create_task(_clock())
    try:
        yield
    finally:
        clock.cancel()


async def _clock() -> None:
    while True:
        await asyncio.sleep(CLOCK_S)
        try:
            await asyncio.to_thread(api.visitors.stop_overtime)
        except BallastError as error:
            sys.stderr.write(f"{error}\n")


def _address() -> str:
    """Where the server is reached, as far as this machine knows."""
    bound = config.get_option("server.address") or "0.0.0.0"
    name = socket.gethostname() if bound in ("0.0.0.0", "::") else f"[{bound}]" if ":" in bound else bound
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    base = config.get_option("server.baseUrlPath").strip("/")
    return f"{scheme}://{name}:{config.get_option('server.port')}/" + (f"{base}/" if base else "")


def _page(status: int, sentence: str, *, form: bool = False) -> tuple[int, dict[str, str], str]:
    return status, {}, PAGE.format(sentence=html.escape(sentence), form=FORM if form else "")


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", []) if name.decode().lower() not in HEADERS]
            message["headers"] = [*kept, *((name.encode(), value.encode()) for name, value in HEADERS.items())]
        await send(message)

    return sending
