"""Golden files beside tests, and how to record them again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from topologies.errors import InputError


def recorded(expected: Path, found: str) -> str:
    """Return the content of `expected`; UPDATE_GOLDEN in the environment first replaces it by `found`."""
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8")
    return expected.read_text(encoding="utf-8")


def refusal(path: Path, load: Callable[[Path], object]) -> str:
    """Return the error of `load` for the file at `path`, without its folder; fail when there is none."""
    with pytest.raises(InputError) as caught:
        load(path)
    return str(caught.value).replace(f"{path.parent}{os.sep}", "") + "\n"
