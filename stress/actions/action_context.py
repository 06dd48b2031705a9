"""`ActionContext`: the means of an action to change the network, and the errors that it raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from emulator.network import LinkState, Network
from stress.targets import Target


class SkippedError(Exception):
    """Operation with nothing to do: its target is gone, or in the wanted state already. No failure."""


Skipped = dict[int, str]
"""Of operations carried out at once: place of those with nothing to do, and why."""


def require_done(skipped: Skipped) -> None:
    """Raise SkippedError if the only operation had nothing to do."""
    for words in skipped.values():
        raise SkippedError(words)


class StepOverError(SkippedError):
    """End of a step that has reached its goal: its remaining operations are dropped.

    Without a message, the raising operation counts as carried out, not as skipped.
    """


class Growth(Protocol):
    """Source of more networks for a `ramp`; the caller of the runner, who knows the engines, provides it."""

    def grow(self, name: str, hosts: int) -> Network:
        """Bring up one more network of `hosts` hosts; EmulationError when that fails."""
        ...


class ActionContext(Protocol):
    """Means of an action in one worker thread. Methods raise SkippedError and EmulationError."""

    @property
    def network(self) -> Network:
        """The network under stress."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the run began."""
        ...

    def grow(self, name: str, hosts: int) -> Network:
        """Bring up a network beside the running one; the caller takes it down."""
        ...

    def take_down(self, network: Network) -> None:
        """Take down a network that `grow` brought up."""
        ...

    def is_here(self, node: int) -> bool:
        """Return whether a node is on this machine, and not on another worker."""
        ...

    def need_node(self, node: int) -> None:
        """Raise SkippedError when the node is removed."""
        ...

    def set_port(self, target: Target, *, up: bool) -> None:
        """Bring a port down or up."""
        ...

    def set_ports(self, targets: Sequence[Target], *, up: bool) -> Skipped:
        """Bring light ports down or up at once."""
        ...

    def set_nodes(self, nodes: Sequence[int], *, removed: bool) -> Skipped:
        """Remove light nodes at once, or add removed ones again."""
        ...

    def set_links(self, links: Sequence[int], *, removed: bool) -> Skipped:
        """Delete links of light nodes at once, or add deleted ones again."""
        ...

    def move_port(self, node: int, host: int) -> None:
        """Move a light port to another compute host, or back to its own."""
        ...

    def announce_port(self, node: int, host: int | None) -> None:
        """Lead what is sent to a light port to another compute host, or (None) to the port again."""
        ...

    def remove_link(self, link: int) -> None:
        """Delete a link."""
        ...

    def add_link(self, link: int) -> None:
        """Add a deleted link again."""
        ...

    def remove_node(self, node: int) -> None:
        """Remove a node."""
        ...

    def add_node(self, node: int) -> None:
        """Add a removed node again."""
        ...

    def set_controller(self, target: Target, *, up: bool) -> None:
        """Stop a controller or start it again."""
        ...

    def change_links(self, links: Sequence[int], change: Callable[[int, LinkState], LinkState]) -> Skipped:
        """Change links at once to `change(link, state before the run)`; forwarding adapts."""
        ...

    def restore_links(self, links: Sequence[int]) -> Skipped:
        """Restore links at once to their states before the run."""
        ...

    def marked(self, words: Sequence[str]) -> list[str]:
        """Return a command to start in a node, tagged so that all its processes end with the run."""
        ...

    def kept(self, key: object, make: Callable[[], Any]) -> Any:
        """Return the result of the first `make()`; its `close()` is called at the end of the step."""
        ...

    def report(self, kind: str, found: dict[str, Any]) -> None:
        """Add a result to those of the run: `kind` is traffic or ramp."""
        ...
