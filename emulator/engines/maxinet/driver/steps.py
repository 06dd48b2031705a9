"""Steps that the emulator can request, one method each."""

from __future__ import annotations

import os
from typing import Any

from serving.server import Progress, StepError

from .clean import clean
from .experiment import Experiment
from .look import look

Document = dict[str, Any]
End = dict[str, Any]


class Steps:
    """The steps; `progress` receives the progress of those with many parts."""

    def __init__(self) -> None:
        self._opened: Experiment | None = None

    @property
    def _running(self) -> Experiment:
        if self._opened is None:
            raise StepError("MaxiNet isn't connected: an earlier step has failed")
        return self._opened

    def look(self, progress: Progress, settings: Document) -> Document:
        """Return facts about MaxiNet and its workers, for refusals before anything is made."""
        del progress
        return look(settings)

    def open(self, progress: Progress, settings: Document) -> Document:
        """Connect and reserve the workers; return MaxiNet's version, their names, and their datapath."""
        self._opened = Experiment(settings, progress)
        return self._opened.opened()

    def create(self, progress: Progress, document: Document) -> Document:
        """Create the network; return the worker of each node, as MaxiNet has it."""
        self._running.create(document, progress)
        return {"nodes": self._running.inventory.places()}

    def add(self, progress: Progress, document: Document) -> Document:
        """Add nodes and links to the running network; return the worker of each node."""
        self._running.add(document, progress)
        return {"nodes": self._running.inventory.places()}

    def info(self, progress: Progress) -> Document:
        """Return MaxiNet's version, and the nodes and interfaces that exist now."""
        del progress
        running = self._running
        places = running.inventory.places()
        names = [end["name"] for end in running.inventory.ends.values() if end["node"] in places]
        return {**running.opened(), "pid": os.getpid(), "nodes": places, "interfaces": names}

    def execute(self, progress: Progress, commands: list[Document]) -> list[list[Any]]:
        """Run commands in nodes, all at once; return exit code, output and errors (base64) of each.

        They are ended on the workers once the client has gone away.
        """
        running = self._running
        wanted = [
            running.inventory.in_node(c["node"], c["argv"], c.get("timeout"), c.get("input") or "")
            for c in commands
        ]
        return running.fleet.commands(
            wanted, lambda done: progress("commands", done, len(commands)), user=progress
        )

    def batches(self, progress: Progress, lines: dict[str, list[str]], harmless: bool = False) -> None:
        """Run `ip -batch` in many nodes; with `harmless`, ignore failures."""
        self._fed(progress, ["ip", "-force", "-batch", "-"], lines, harmless=harmless)

    def ports(self, progress: Progress, ends: list[End], up: bool) -> None:
        """Bring interfaces up or down."""
        word = "up" if up else "down"
        lines: dict[str, list[str]] = {}
        for end in ends:
            lines.setdefault(end["node"], []).append(f"link set dev {end['name']} {word}")
        self.batches(progress, lines)

    def shape(self, progress: Progress, ends: list[End]) -> None:
        """Apply the shapes in the documents of ends."""
        del progress
        for end in ends:
            if end["name"] in self._running.inventory.ends:
                self._running.inventory.ends[end["name"]]["shape"] = end["shape"]
        self._running.switching.shape([end["name"] for end in ends])

    def leave(self, progress: Progress, ends: list[End]) -> None:
        """Detach interfaces from their switches; then learning switches may forward."""
        del progress
        self._running.switching.leave([end["name"] for end in ends])
        self._running.switching.release()

    def join(self, progress: Progress, ends: list[End]) -> None:
        """Attach interfaces to their switches again."""
        del progress
        self._running.switching.join([end["name"] for end in ends])

    def flows(self, progress: Progress, protocol: str, lines: dict[str, list[str]]) -> None:
        """Replace the flows of Open vSwitches, each by one bundle."""
        argv = ["ovs-ofctl", "-O", protocol, "bundle", "{node}", "-"]
        self._fed(progress, argv, lines)

    def terminal(self, progress: Progress, node: str, argv: list[str], tty: bool = True) -> Document:
        """Return the command line that runs `argv` in a node on the caller's terminal."""
        del progress
        return {"argv": self._running.terminal(node, argv, tty=tty)}

    def stop(self, progress: Progress) -> list[str]:
        """Remove everything and free the workers; return what failed."""
        del progress
        if self._opened is None:
            return []
        if left := self._opened.stop():
            raise StepError("; ".join(left))
        self._opened = None
        return left

    def clean(self, progress: Progress, settings: Document, document: Document) -> list[str]:
        """Remove what a killed driver, client or worker has left; return what couldn't be, with the fix."""
        return clean(settings, document, progress)

    def _fed(
        self, progress: Progress, argv: list[str], lines: dict[str, list[str]], *, harmless: bool = False
    ) -> None:
        """Run a command in many nodes with `lines` as its input; StepError names the node that fails."""
        running = self._running
        wanted = [
            running.inventory.batch(node, [word.format(node=node) for word in argv], some)
            for node, some in lines.items()
        ]
        results = running.fleet.batches(wanted, lambda done: progress("settings", done, len(wanted)))
        for node, (code, said) in zip(lines, results):  # noqa: B905 -- Python 3.9 has no strict
            if code and not harmless:
                raise StepError(f"{argv[0]} in {node}: {said}")
