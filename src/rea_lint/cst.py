"""What libcst has, imported when something of it is used first: it takes 0.2 s, and most code is judged by its facts.

To be used as `cst.Call` in what looks at trees; not at the level of a module, where it is imported at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libcst import *  # noqa: F403 -- all of it
else:

    def __getattr__(name: str) -> object:
        if name.startswith("__"):  # what Python asks of modules
            raise AttributeError(name)
        import libcst  # noqa: PLC0415 -- the purpose of this module

        globals().update((each, getattr(libcst, each)) for each in libcst.__all__)
        return getattr(libcst, name)
