"""Published numbers, as pages and the command line see them."""

from core.published import Ipc, PublishedRow, beside

__all__ = ["Ipc", "PublishedRow", "beside"]
