"""The engines: one row each. The file's choices, the help, the refusals and the pages come from here.

Pure data: a class is named here and imported when its engine is first used (`emulator/engines/registry.py`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineRow:
    """One engine: its class as "module:Class", and one line of help.

    `simulated` engines make nothing: a network of theirs takes no memory of this machine. With
    `one_switch_namespace`, all switches of a network are in one network namespace, whatever their kind.
    """

    target: str
    help: str
    simulated: bool = False
    one_switch_namespace: bool = False


ENGINES: dict[str, EngineRow] = {
    "netns": EngineRow("emulator.engines.netns:NetnsEngine", "Linux network namespaces on this machine"),
    "mininet": EngineRow(
        "emulator.engines.mininet:MininetEngine", "the real Mininet", one_switch_namespace=True
    ),
    "dry-run": EngineRow("emulator.engines.dry_run:DryRunEngine", "in memory", simulated=True),
}
"""Name as files write it -> row, in the order in which they are listed."""

DEFAULT_ENGINE = "netns"
"""The engine of a file that names none."""

FUTURE_ENGINES = ("cluster", "distrinet", "maxinet")
"""Names that are refused with their own words: a later version has them."""


def engine_choices() -> str:
    """Return the names for a sentence: `a, b or c`."""
    *others, last = ENGINES
    return f"{', '.join(others)} or {last}" if others else last
