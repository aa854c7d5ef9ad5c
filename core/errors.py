"""The project's errors: one tree, each message a sentence a user can act on.

Formula: what is wrong, what was expected, what came, what to do. Pages and the command line catch
`BallastError` only; anything else is a bug and shows its traceback.
"""


class BallastError(Exception):
    """Base of every error that user input or the outside world can cause."""


class ConfigError(BallastError):
    """A setting is out of range, unknown, or contradicts another."""


class DataError(BallastError):
    """A data set is missing, malformed, or unsafe to open."""


class ResourceError(BallastError):
    """The work would not fit this machine's memory or time; the message says what would."""


class NumericsError(BallastError):
    """A computation produced NaN, or a matrix could not be factored."""


class RunError(BallastError):
    """A run does not exist, or cannot do what was asked in its present state."""


class StoreError(RunError):
    """The store of runs is damaged and cannot be read any more."""


class AccessError(BallastError):
    """The one who asks may not do this: a guest of a shared server, or somebody without a key."""


class Cancelled(BallastError):
    """The work was stopped on request. Not a failure."""
