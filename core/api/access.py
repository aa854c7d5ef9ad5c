"""Who may come in: the keys of a shared server, the cookie that proves one, and the addresses it answers to.

`BALLAST_ACCESS=token` shares a server; without it only this machine is let in. Two keys, one of the owner and one for
guests, are made once for a home and kept in `access.json`, readable by its user only; `BALLAST_OWNER_TOKEN` and
`BALLAST_GUEST_TOKEN` replace them. A link carries a key once; from then on a signed cookie does. Delete `access.json`
and start again, and all links and cookies are void.
"""

import hashlib
import hmac
import ipaddress
import json
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import ConfigError
from core.types import OWNER, Role, Visitor

FILE = "access.json"
ACCESS, HOSTS = "BALLAST_ACCESS", "BALLAST_HOSTS"
LEAST_LETTERS = 16  # of a key
COOKIE_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The secret of each role."""

    owner: str
    guest: str

    @property
    def cookie(self) -> str:
        """Name of the cookie: servers of several homes on one machine do not overwrite each other's."""
        return f"ballast-{hashlib.sha256(self.owner.encode()).hexdigest()[:8]}"


def shared() -> bool:
    """Whether others than this machine's user may come in, by a link.

    raises  ConfigError for a word that is not known: a misspelt one must not open the door
    """
    word = os.environ.get(ACCESS, "")
    if word not in ("", "token"):
        raise ConfigError(f"{ACCESS} is 'token' to share this server by links, or empty, got {word!r}")
    return word == "token"


def keys(home: Path) -> Keys:
    """The keys of a home, made when it is shared for the first time.

    raises  ConfigError when a key is short or both are the same, or the file cannot be read
    """
    path = home / FILE
    found = {role: os.environ.get(f"BALLAST_{role.upper()}_TOKEN", "") for role in ("owner", "guest")}
    if not all(found.values()):
        kept = _kept(path)
        found = {role: found[role] or kept[role] for role in found}
    short = [role for role, key in found.items() if not re.fullmatch(rf"[\w-]{{{LEAST_LETTERS},200}}", key, re.ASCII)]
    if short or found["owner"] == found["guest"]:
        raise ConfigError(
            f"the keys of owner and guest need {LEAST_LETTERS} to 200 letters, digits, - and _ each and must differ:"
            f" correct the variables or delete {path}"
        )
    return Keys(**found)


def _kept(path: Path) -> dict[str, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(Keys(owner=secrets.token_urlsafe(24), guest=secrets.token_urlsafe(24))), file)
    except FileExistsError:
        pass
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {role: str(found[role]) for role in ("owner", "guest")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): delete it, and new links are made") from None


def role_of(key: str, known: Keys) -> Role | None:
    """Whose key this is, compared in constant time."""
    given = key.encode("utf-8", "replace")
    owner, guest = (hmac.compare_digest(given, own.encode()) for own in (known.owner, known.guest))
    return "owner" if owner else "guest" if guest else None


def seal(role: Role, known: Keys) -> str:
    """The value of a new cookie: role, an id of this browser, and their signature."""
    text = f"{role}.{secrets.token_hex(8)}"
    return f"{text}.{_signature(text, role, known)}"


def unseal(cookies: Mapping[str, str], known: Keys) -> Visitor | None:
    """Who shows these cookies, or None when none of them is ours."""
    parts = cookies.get(known.cookie, "").split(".")
    for role in ("owner", "guest"):
        if len(parts) == 3 and parts[0] == role:
            wanted = _signature(f"{role}.{parts[1]}", role, known)
            if hmac.compare_digest(parts[2].encode("utf-8", "replace"), wanted.encode()):
                return Visitor(role=role, id="" if role == "owner" else parts[1], free=False)
    return None


def _signature(text: str, role: Role, known: Keys) -> str:
    key = known.owner if role == "owner" else known.guest
    return hmac.new(key.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def visitor(cookies: Mapping[str, str], home: Path) -> Visitor | None:
    """Who asks, by the cookies of a session: the owner alone where nothing is shared, else None without a valid one."""
    return unseal(cookies, keys(home)) if shared() else OWNER


# --- addresses ------------------------------------------------------------------------------------
def answers_to(host: str | None) -> bool:
    """Whether a Host header names this server: by an IP address, as this machine calls itself, or in $BALLAST_HOSTS.

    A page elsewhere that lets its own name point here (DNS rebinding) shows that name.
    """
    name = _name(f"//{host}") if host else None
    if name is None:
        return False
    own = {"localhost", socket.gethostname().lower(), *named_hosts()}
    return name in own or name.endswith(".localhost") or _is_address(name)


def same_origin(origin: str | None, host: str) -> bool:
    """Whether an Origin header, when there is one, is of this server's own pages."""
    if origin is None:
        return True
    return urlsplit(origin).netloc.lower() == host.lower() or _name(origin) in named_hosts()


def named_hosts() -> set[str]:
    """Further names of this server, as its owner has listed them."""
    return {name.strip().lower() for name in os.environ.get(HOSTS, "").split(",") if name.strip()}


def _name(url: str) -> str | None:
    try:
        found = urlsplit(url)
        _ = found.port  # raises when it is no number
    except ValueError:
        return None
    return None if found.username or found.path or found.query else (found.hostname or "").rstrip(".") or None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def is_near(address: str | None) -> bool:
    """Whether a client is on this machine."""
    try:
        found = ipaddress.ip_address((address or "127.0.0.1").partition("%")[0])
    except ValueError:
        return False
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (inner or found).is_loopback
