"""The network that `up` finds running, or why it must be created again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from emulator.errors import EmulationError
from emulator.state import NetworkState


class Judged(Protocol):
    """A network that can tell whether it can be repaired."""

    def beyond_repair(self) -> str:
        """Return why it must be created again; empty if it can be changed."""
        ...


Found = TypeVar("Found", bound=Judged)


def running_network(
    state: NetworkState, handle: Callable[[NetworkState], Found], also: Callable[[Found], str] = lambda _: ""
) -> tuple[Found | None, tuple[str, ...]]:
    """Return the network if it is up; None if it must be created again, with a line for the reason.

    Without a line when nothing of it exists. `also` returns a further reason, empty where there is none.
    """
    if not state.exists:
        return None, ()
    try:
        network = handle(state)
        why = network.beyond_repair() or also(network)
    except EmulationError as error:  # no record, or a damaged one
        why = str(error).partition(";")[0]
    if not why:
        return network, ()
    return None, (f"`{state.name}` was created again because {why}: processes in its nodes ended",)
