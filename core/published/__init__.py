"""What others have published of accuracies, clean and attacked: a shipped table, and which of it may stand where."""

from core.published.lookup import Ipc, beside
from core.published.rows import REASONS, ROWS, PublishedRow

__all__ = ["REASONS", "ROWS", "Ipc", "PublishedRow", "beside"]
