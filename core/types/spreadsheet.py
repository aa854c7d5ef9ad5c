"""Values for a spreadsheet, which takes a text that begins like a formula for one and computes it.

Source: OWASP, CSV injection.
"""

from typing import Any

BEGINS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """The value as it may stand in a CSV: numbers as they are, texts that would be formulas behind an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.lstrip().startswith(BEGINS) else value
