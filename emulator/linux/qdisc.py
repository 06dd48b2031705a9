"""Traffic control messages: what shapes a link's direction."""

from __future__ import annotations

from topologies.profiles import Shape


def shape_messages(index: int, shape: Shape) -> list[bytes]:
    """Return the messages that shape what the link with `index` sends."""
    if shape.is_plain:
        return []
    raise NotImplementedError


def reshape_messages(index: int, shape: Shape) -> list[bytes]:
    """Return the messages that change the shaping of a running link."""
    return shape_messages(index, shape)
