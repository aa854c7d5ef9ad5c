"""Independent random streams from one seed.

Every stage draws from its own stream, so that adding a draw to one leaves the others as they were.
"""

import hashlib


def stream(seed: int, *names: str | int) -> int:
    """Derive a 63-bit seed for the stream called `names`; equal inputs give equal seeds."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
