"""Work by name: a row of a table says where its function is, and the file is imported when it is called.

So a table can be read, to draw a form or to check settings, without torch and the like, and the files that do the work
import at their top what they use.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from core.types.data import TrainSplit, only_train


@dataclass(frozen=True)
class Named:
    """A function, written "package.module:function"; calling this calls it.

    A name that leads nowhere is a mistake in a table and raises AssertionError; a test resolves every row.
    """

    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.resolve()(*args, **kwargs)

    @property
    def module(self) -> str:
        """The dotted name of the module, which need not be imported yet."""
        return self.name.partition(":")[0]

    def resolve(self) -> Callable[..., Any]:
        """Import the module and give the function itself."""
        module, colon, function = self.name.partition(":")
        assert colon and module and function, f"work is named as package.module:function, got {self.name!r}"
        try:
            found: Callable[..., Any] | None = getattr(import_module(module), function, None)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise  # the module is there, but something that it imports is not
            raise AssertionError(f"{self.name!r}: there is no module {error.name}") from error
        assert found is not None and callable(found), f"{self.name!r}: {module} has no function {function}"
        return found


class OnTrain(Named):
    """Work that may see the train split and nothing else; given any other images, it refuses before it begins."""

    def __call__(self, train: TrainSplit, *args: Any, **kwargs: Any) -> Any:
        only_train(train)
        return super().__call__(train, *args, **kwargs)
