"""Names of networks as commands take them."""

from __future__ import annotations

import pytest

from emulator.errors import UsageError
from emulator.interface.finding import checked_name


@pytest.mark.parametrize("name", ["a", "9", "dc-1", "a" * 32])
def test_a_name_that_a_file_may_give_passes(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a/b", "..", "a.b", "ä", "a" * 33, "dc\n", "\ndc"])
def test_nothing_else_becomes_a_path(name: str) -> None:
    with pytest.raises(UsageError, match="isn't the name of a network"):
        checked_name(name)
