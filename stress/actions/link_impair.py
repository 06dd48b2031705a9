"""link-impair: make links slow, lossy or late, and as they were a while later."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import ClassVar, Literal

from pydantic import Field

from emulator.network import LinkState
from stress.actions.base import Hands, Moves, Needs, PacedAction, Room
from stress.keys import Problems
from stress.targets import Thing
from topologies.profiles import Shape
from topologies.quantities import Duration
from topologies.spec.rules import ShapeKeys
from topologies.topology import Topology


class LinkImpair(PacedAction):
    """What is given replaces what the file says of the link; the rest stays."""

    EXAMPLE: ClassVar[str] = "{action: link-impair, rate: 2, shape: {bandwidth: 10 Mbit}}"
    VERBS: ClassVar[tuple[str, ...]] = ("impair", "give back")
    NEEDS: ClassVar[Needs] = "network alone"

    action: Literal["link-impair"]
    shape: ShapeKeys = Field(description="Link keys to apply",
                             examples=[ShapeKeys.EXAMPLE])  # fmt: skip
    direction: Literal["forward", "backward", "both"] = Field(
        "both", description="From the link's first end, to it, or both"
    )
    impaired: Duration = Field(1.0, description="Time that the link is impaired", examples=["1 s"])

    def problems(self) -> Problems:
        """Yield what is wrong between the keys."""
        yield from super().problems()
        shape = self.shape.shape()
        if shape.is_plain:
            yield ("shape",), f"is empty; write for example `shape: {ShapeKeys.EXAMPLE}`"

    def moves(self, room: Room) -> Moves:
        """Return the changes and their undoing."""
        things = room.links(self.target)
        for thing in things:
            for shape in self._shapes(room.topology, thing.number, LinkState()):
                if shape and (shape.jitter or shape.reorder) and not shape.delay:
                    raise room.error(
                        "shape", "jitter and reorder act on delayed packets only; give `delay` too"
                    )
        return self.there_and_back(room, things, self.impaired)

    def shapes(self) -> tuple[Shape, ...]:
        """Return the one shape."""
        return (self.shape.shape(),)

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Shape the link, or give it back."""
        if verb == "give back":
            hands.give_link_back(thing.number)
            return
        topology = hands.network.topology

        def change(before: LinkState) -> LinkState:
            forward, backward = self._shapes(topology, thing.number, before)
            return replace(before, forward=forward, backward=backward)

        hands.change_link(thing.number, change)

    def _shapes(self, topology: Topology, link: int, before: LinkState) -> list[Shape | None]:
        given = {f.name: value for f in fields(Shape) if (value := getattr(self.shape, f.name)) is not None}
        ends = {"forward": (0,), "backward": (1,), "both": (0, 1)}[self.direction]
        shapes = [before.forward, before.backward]
        for end in ends:
            shapes[end] = replace(shapes[end] or topology.shape(link, end), **given)
        return shapes
