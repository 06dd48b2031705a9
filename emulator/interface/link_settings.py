"""Settings of a running link, as people give them: `10Mbit`, `5ms`, `2%`, `none`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from emulator.errors import UsageError
from emulator.interface.values import text_of
from emulator.network import LinkState
from topologies.profiles import Shape
from topologies.quantities import RATE, SHARE, TIME, Quantity
from topologies.spec.bare_numbers import readings
from topologies.topology import Topology

UNITS: dict[str, Quantity] = {
    "bandwidth": RATE, "delay": TIME, "jitter": TIME,
    "loss": SHARE, "duplicate": SHARE, "reorder": SHARE, "corrupt": SHARE,
}  # fmt: skip
KEYS = tuple(field.name for field in fields(Shape))
"""Names of all settings."""

DIRECTIONS: Mapping[str, tuple[int, ...]] = {"forward": (0,), "backward": (1,), "both": (0, 1)}
_MOST_QUEUE = 1_000_000


def ends_of(direction: str, *, swapped: bool) -> list[int]:
    """Return the link ends that send in `direction`; `swapped` if the file names them in reverse."""
    if text_of(direction, "direction") not in DIRECTIONS:
        raise UsageError(f"direction `{direction}` isn't one of {', '.join(DIRECTIONS)}")
    return [1 - end if swapped else end for end in DIRECTIONS[direction]]


def with_settings(
    topology: Topology, link: int, before: LinkState, given: Mapping[str, Any], ends: list[int],
    *, reset: bool = False, sign: str = "",
) -> LinkState:  # fmt: skip
    """Return the state `before` with the settings `given` in the directions of `ends`.

    With `reset`, settings that aren't given are the file's. A direction equal to the file is None.
    UsageError for a value that can't be read; `sign` goes before the setting's name there.
    """
    values: dict[str, Any] = {key: parsed(key, value, sign) for key, value in given.items()}
    shapes = [before.forward, before.backward]
    for end in ends:
        of_file, live = topology.shape(link, end), shapes[end]
        shape = replace(of_file if reset or live is None else live, **values)
        for key in ("jitter", "reorder"):
            if getattr(shape, key) and not shape.delay:
                raise UsageError(f"{key} acts on delayed packets only; give {sign}delay too")
        shapes[end] = None if shape == of_file else shape
    return LinkState(before.up, shapes[0], shapes[1])


def parsed(key: str, value: Any, sign: str = "") -> float | int | None:
    """Return the number that `value` is for the setting `key`; None for None and `none`."""
    if key not in KEYS:
        raise UsageError(f"a link has no setting `{key}`; the settings are {', '.join(KEYS)}")
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    if key == "queue":
        text = str(value)
        if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_QUEUE:
            return int(text)
        words = f"`{text}` is not a number of packets from 1 to {_MOST_QUEUE:,}, or `none`"
        raise UsageError(f"{sign}queue: {words}")
    if isinstance(value, str) and (words := readings(key, value)):
        raise UsageError(f"{sign}{key}: {words}")
    try:
        return UNITS[key].parse(value)
    except ValueError as error:
        raise UsageError(
            f"{sign}{key}: {error}{'' if str(error).endswith('?') else ';'} `none` removes it"
        ) from None
