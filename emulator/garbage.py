"""Pauses of Python's cyclic garbage collector, where it would only scan again and again what stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Disable the collector: for work that makes no cycles, beside all the objects of imported modules."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def importing() -> Iterator[None]:
    """Import without collections, and leave what exists then out of all later ones.

    Modules stay until the process ends: scanning them took a tenth of a short command's time. Only for
    processes of our own, because garbage that exists at the end stays too.
    """
    with no_collection():
        yield
        gc.freeze()
