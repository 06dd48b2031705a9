"""Cutting links: silently by a port, or known to forwarding, which goes around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stress.actions.action_context import ActionContext, Skipped, require_done
from stress.actions.base import Action, Needs
from stress.targets import Target, nodes_of
from topologies.topology import Topology


class CuttingAction(Action):
    """A step that cuts links, and restores them later.

    A silent cut brings down the port at one end; the other end loses its carrier, or receives nothing where
    the link is a tunnel.
    """

    def reroutes(self, topology: Topology) -> bool:
        """Return whether forwarding goes around the cuts."""
        raise NotImplementedError

    def needs(self, topology: Topology) -> Needs:
        """Return the needs: a change of forwarding concerns the whole network."""
        return "network alone" if self.reroutes(topology) else "session"

    def acts_on(self, topology: Topology, verb: str, target: Target) -> list[int]:
        """Return the node whose port cuts a link; both ends of one that forwarding goes around."""
        del verb
        found = nodes_of(topology, target)
        return found[:1] if target.kind == "link" and not self.reroutes(topology) else found

    def acts_everywhere(self, topology: Topology, verb: str, target: Target) -> bool:
        """Return whether all workers carry out an operation: forwarding changes on all."""
        return self.reroutes(topology) or super().acts_everywhere(topology, verb, target)

    def cut_link(self, context: ActionContext, link: int) -> None:
        """Cut `link`."""
        topology = context.network.topology
        if self.reroutes(topology):
            require_done(self._change(context, [link], up=False))
        else:
            context.set_port(_port(topology, link), up=False)

    def mend_link(self, context: ActionContext, link: int) -> None:
        """Restore `link`."""
        topology = context.network.topology
        if self.reroutes(topology):
            require_done(self._change(context, [link], up=True))
        else:
            context.set_port(_port(topology, link), up=True)

    def together(self, topology: Topology) -> bool:
        """Return whether cuts that are due together are made at once: forwarding then changes once."""
        return self.reroutes(topology)

    def do_all(self, context: ActionContext, verb: str, targets: Sequence[Target]) -> Skipped:
        """Cut links that forwarding goes around, or restore them."""
        return self._change(context, [target.number for target in targets], up=verb != self.VERBS[0])

    def _change(self, context: ActionContext, links: Sequence[int], *, up: bool) -> Skipped:
        if up:
            return context.restore_links(links)
        return context.change_links(links, lambda _, before: replace(before, up=False))


def _port(topology: Topology, link: int) -> Target:
    return Target("port", int(topology.ends[link, 0]), int(topology.ports[link, 0]), link)
