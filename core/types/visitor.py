"""Who asks: the owner of a home, or a guest of a server that is shared."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["owner", "guest"]


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """One person at the door, as everything behind it knows them.

    role  an owner may do everything; a guest may run within limits, and change only runs of their own
    id    of a guest's browser; "" is the owner
    free  whether paths anywhere on this machine may be read: on a server that nobody else reaches
    """

    role: Role = "owner"
    id: str = ""
    free: bool = True


OWNER = Visitor()
