"""Utilities of the stand-in for Pyro4."""

from __future__ import annotations

import traceback


def getPyroTraceback() -> list[str]:
    """Return the traceback of the current exception."""
    return [traceback.format_exc()]
