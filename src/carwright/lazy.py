"""Public names of a package that are imported when they are first used, so that importing the package costs nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping


def exports(package: str, home: Mapping[str, str]) -> Callable[[str], object]:
    """A ``__getattr__`` for a package.

    Parameters
    ----------
    package
        Its ``__name__``.
    home
        Public name -> module of the package that defines it. No module may have the name of something public: once
        imported, it would hide it.
    """

    def find(name: str) -> object:
        if name not in home:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(importlib.import_module(f"{package}.{home[name]}"), name)

    return find
