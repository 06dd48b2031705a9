"""Two lanes for a whole run: what works on the kernel is one lane, in its order; the rest is the other.

Tests of the kernel look at the whole machine before and after themselves, so no two of them may run at a
time. The others touch nothing that those look at.
"""

from __future__ import annotations

import os

from xdist.scheduler import LoadScopeScheduling

_KERNEL = ("tests/privileged/", "tests/e2e/", "tests/conformance/")


def works_on_the_kernel(nodeid: str) -> bool:
    """Return whether a test, by pytest's name for it, belongs to the lane of the kernel."""
    return nodeid.startswith(_KERNEL)


def is_alone(nodeid: str) -> bool:
    """Return whether all that is new on the machine comes from this test: where CI is set, nobody else works."""
    return bool(os.environ.get("CI")) and works_on_the_kernel(nodeid)


class Lanes(LoadScopeScheduling):
    """Hands out the lane of the kernel as one piece of work, all other tests by the module."""

    def _split_scope(self, nodeid: str) -> str:  # what pytest-xdist has its schedulers override
        return "the kernel" if works_on_the_kernel(nodeid) else nodeid.split("::", 1)[0]
