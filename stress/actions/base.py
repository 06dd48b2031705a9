"""What an action is, and what it is given: to plan with (`Room`) and to act with (`Hands`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from emulator.network import LinkState, Network
from stress import targets
from stress.arrivals import MICRO, MOST, arrivals
from stress.keys import Paced, StepKeys, Target
from stress.targets import Thing
from topologies.errors import Loc, ParameterError
from topologies.profiles import Shape
from topologies.rng import Stream
from topologies.topology import Topology

Ints = npt.NDArray[np.int64]

Needs = Literal["session", "network", "network alone"]
"""A session of the network; or the network itself, which can't be used by a thread that is in a
session; or that by one thread only, as what changes how packets find their way."""


class SkippedError(Exception):
    """There is nothing to do: what was to be undone is gone, or is so already. No failure."""


class StepOverError(SkippedError):
    """The step has found what it was to find: nothing that it has still to do need be waited for.

    Without words the operation that raises it was carried out, not skipped.
    """


class Speaking(NamedTuple):
    """A node that must have an address, which key of the step chose it, and which kind of address."""

    node: int
    key: str = "target"
    family: Literal["IP", "IPv4"] = "IP"


@dataclass
class Moves:
    """What a step does, k moves: `at` int64[k] in microseconds since it began, in any order;
    `verb` and `thing` int64[k] are positions in the action's VERBS and in `things`.
    """  # noqa: D205 -- the shapes are the summary

    at: Ints
    verb: Ints
    thing: Ints
    things: Sequence[Thing]


@dataclass(frozen=True)
class Room:
    """What a step is planned with: the graph, its place in the file, its time, its random numbers."""

    topology: Topology
    name: str
    loc: Loc
    seconds: float
    seed: int

    @property
    def end(self) -> int:
        """When the step ends, in microseconds since it began."""
        return round(self.seconds * MICRO)

    def stream(self, words: str) -> Stream:
        """Return random numbers for one use: no other use or step changes them."""
        return Stream(self.seed, "stress", self.name, words)

    def nodes(self, target: Target) -> list[Thing]:
        """Return the nodes that `target` means."""
        return targets.nodes(self.topology, target, self.stream("target"), (*self.loc, "target"))

    def nodes_of(self, target: Target, key: str) -> list[Thing]:
        """Return the nodes that a target under another key means."""
        return targets.nodes(self.topology, target, self.stream(key), (*self.loc, key))

    def ports(self, target: Target) -> list[Thing]:
        """Return the ports that `target` means."""
        return targets.ports(self.topology, target, self.stream("target"), (*self.loc, "target"))

    def links(self, target: Target) -> list[Thing]:
        """Return the links that `target` means."""
        return targets.links(self.topology, target, self.stream("target"), (*self.loc, "target"))

    def some(self, things: Sequence[Thing], target: Target, what: str) -> list[Thing]:
        """Return as many of `things` as the target wants, drawn by the seed."""
        chosen = targets.some(
            np.arange(len(things)), target, self.stream("target"), (*self.loc, "target"), what
        )
        return [things[number] for number in chosen]

    def require_few(self, count: float, key: str) -> None:
        """Raise the error that points at `key` when `count` operations are more than a step may have."""
        if count > MOST:
            raise self.error(key, f"{count:,.0f} operations are too many; {MOST:,} in a step at most")

    def error(self, key: str, words: str) -> ParameterError:
        """Return the error that points at `key` of this step."""
        return ParameterError((*self.loc, key), words)


class Growth(Protocol):
    """How a `ramp` makes the load grow: given by who knows the engines."""

    def grow(self, name: str, hosts: int) -> Network:
        """Bring up one more network of `hosts` hosts; EmulationError when that fails."""
        ...


class Hands(Protocol):
    """What an action acts with, in one worker thread. Methods raise SkippedError and EmulationError."""

    @property
    def network(self) -> Network:
        """The network that is shaken."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the run began."""
        ...

    def grow(self, name: str, hosts: int) -> Network:
        """Bring up a network beside the one that runs; whoever asks takes it down."""
        ...

    def take_down(self, network: Network) -> None:
        """Take down a network that `grow` brought up."""
        ...

    def need_node(self, node: int) -> None:
        """Raise SkippedError when the node is removed."""
        ...

    def set_port(self, thing: Thing, *, up: bool) -> None:
        """Bring a port down or up."""
        ...

    def remove_link(self, link: int) -> None:
        """Delete a link."""
        ...

    def add_link(self, link: int) -> None:
        """Make a deleted link again."""
        ...

    def remove_node(self, node: int) -> None:
        """Remove a node."""
        ...

    def add_node(self, node: int) -> None:
        """Make a removed node again."""
        ...

    def set_controller(self, thing: Thing, *, up: bool) -> None:
        """Stop a controller or start it again."""
        ...

    def change_link(self, link: int, change: Callable[[LinkState], LinkState]) -> None:
        """Change how a link is, from what it was before the run; the network finds other ways."""
        ...

    def give_link_back(self, link: int) -> None:
        """Make a link as it was before the run."""
        ...

    def marked(self, words: Sequence[str]) -> list[str]:
        """Return a command, to be started in a node, such that all it starts ends with the run."""
        ...

    def kept(self, key: object, make: Callable[[], Any]) -> Any:
        """Return what `make()` gave the first time; its `close()` is called at the end of the step."""
        ...

    def report(self, kind: str, found: dict[str, Any]) -> None:
        """Add what was found to the record: `kind` is traffic or ramp."""
        ...


class Action(StepKeys):
    """A step: its keys, what it does when, and how."""

    VERBS: ClassVar[tuple[str, ...]] = ()
    NEEDS: ClassVar[Needs] = "session"
    DISTURBS: ClassVar[bool] = True
    """Whether it takes something away: what probes miss is laid to such operations before others."""
    CLOSED: ClassVar[bool] = False
    """Whether each of its operations is due when the one before is done, at the earliest (a closed loop)."""

    def needs(self, topology: Topology) -> Needs:
        """Return what a worker must have to do this: for some actions the keys decide."""
        del topology
        return self.NEEDS

    def moves(self, room: Room) -> Moves:
        """Return what to do when; ParameterError when the keys don't fit the network."""
        raise NotImplementedError

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes that it gives to its links: an engine may not be able to."""
        return ()

    def addressed(self, thing: Thing) -> Iterator[Speaking]:
        """Give the nodes that must have an address to do something with `thing`."""
        del thing
        yield from ()

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Do one thing; raise SkippedError, EmulationError or OSError."""
        raise NotImplementedError


class PacedAction(Action, Paced):
    """A step of many operations on targets, at a rate or in cycles."""

    def begins(self, room: Room, count: int, busy: float = 0.0) -> tuple[Ints, Ints]:
        """Return when operations on `count` targets begin, and on which: (int64[k], int64[k]).

        Targets take turns, in an order drawn by the seed, so that none is taken again while it could
        still be away. `busy` seconds is how long one is away: a churn's cycle is that and its delay.
        """
        order = room.stream("order").shuffled(np.arange(count))
        if self.churn is None:
            at = arrivals(self, room.seconds, room.stream("arrivals"), room.loc)
        else:
            size, cycle = max(1, round(self.churn.percent * count)), busy + self.churn.delay
            if not cycle:
                words = "has neither a delay nor a time away; write for example `delay: 1 s`"
                raise room.error("churn", words)
            fit = int(np.ceil(room.seconds / cycle - 1e-9))
            cycles = min(fit, self.churn.cycles or fit)
            room.require_few(cycles * size, "churn")
            at = np.repeat(np.rint(np.arange(cycles) * cycle * MICRO).astype(np.int64), size)
        return at, order[np.arange(len(at)) % count]

    def there_and_back(self, room: Room, things: Sequence[Thing], away: float) -> Moves:
        """Return moves that do VERBS[0], and VERBS[1] `away` seconds later or at the step's end."""
        at, thing = self.begins(room, len(things), away)
        back = np.minimum(at + round(away * MICRO), room.end)
        every, twice = np.concatenate([at, back]), np.concatenate([thing, thing])
        return Moves(every, np.repeat([0, 1], len(at)), twice, things)
