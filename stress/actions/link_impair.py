"""link-impair: make links slow, lossy or delayed, and restore them later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import ClassVar, Literal

from pydantic import Field

from emulator.network import LinkState
from stress.actions.action_context import ActionContext, Skipped, require_done
from stress.actions.base import Needs, PacedAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.keys import Problems
from stress.targets import Target
from topologies.profiles import Shape
from topologies.spec.quantity_types import Duration
from topologies.spec.rules import ShapeKeys
from topologies.topology import Topology


class LinkImpair(PacedAction):
    """Keys that are set replace the link's own; the others stay."""

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
        """Yield the errors between the keys."""
        yield from super().problems()
        shape = self.shape.shape()
        if shape.is_plain:
            yield ("shape",), f"is empty; write for example `shape: {ShapeKeys.EXAMPLE}`"

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the changes and their undoing; links of light ports, which have no queue, are left out."""
        first_light = context.topology.full.link_count
        targets = [target for target in context.links(self.target) if target.number < first_light]
        if not targets:
            words = "matches links of light ports only, which have no queue; aim at those of compute hosts"
            raise context.error("target", words)
        for target in targets:
            for shape in self._shapes(context.topology, target.number, LinkState()):
                if shape and (shape.jitter or shape.reorder) and not shape.delay:
                    raise context.error(
                        "shape", "jitter and reorder act on delayed packets only; give `delay` too"
                    )
        return self.there_and_back(context, targets, self.impaired)

    def shapes(self) -> tuple[Shape, ...]:
        """Return the one shape."""
        return (self.shape.shape(),)

    def together(self, topology: Topology) -> bool:
        """Return whether operations that are due together are carried out at once."""
        del topology
        return True

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Shape the link, or restore it."""
        require_done(self.do_all(context, verb, [target]))

    def do_all(self, context: ActionContext, verb: str, targets: Sequence[Target]) -> Skipped:
        """Shape links, or restore them."""
        links = [target.number for target in targets]
        if verb == "give back":
            return context.restore_links(links)
        topology = context.network.topology

        def change(link: int, before: LinkState) -> LinkState:
            forward, backward = self._shapes(topology, link, before)
            return replace(before, forward=forward, backward=backward)

        return context.change_links(links, change)

    def _shapes(self, topology: Topology, link: int, before: LinkState) -> list[Shape | None]:
        given = {f.name: value for f in fields(Shape) if (value := getattr(self.shape, f.name)) is not None}
        ends = {"forward": (0,), "backward": (1,), "both": (0, 1)}[self.direction]
        shapes = [before.forward, before.backward]
        for end in ends:
            shapes[end] = replace(shapes[end] or topology.shape(link, end), **given)
        return shapes
