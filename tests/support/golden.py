"""Golden files beside tests, and how to record them again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from topologies.errors import InputError


def recorded(expected: Path, found: str) -> str:
    """Return what `expected` holds; with UPDATE_GOLDEN in the environment that is `found` from now on."""
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8")
    return expected.read_text(encoding="utf-8")


def refusal(path: Path, load: Callable[[Path], object]) -> str:
    """Return how `load` refuses the file at `path`, without its folder; the test fails when it doesn't."""
    with pytest.raises(InputError) as caught:
        load(path)
    return str(caught.value).replace(f"{path.parent}{os.sep}", "") + "\n"
