"""Steps of a Distrinet network that the emulator can request, one method each."""

from __future__ import annotations

import base64
import os
import threading
from typing import Any

from mininet.distrinet import VERSION
from serving.deadline import DeadlineError
from serving.server import Progress, StepError

from .build import Builder, Document
from .commands import Job
from .opening import public_key, refuse_existing, reserve_workers
from .removal import remove_all
from .terminal import ssh_command
from .transport import Transport

_EXIT_SECONDS = 1.0
_COMMAND_SECONDS = 60.0


class Steps:
    """The steps; `progress` receives the progress of those with many parts."""

    def __init__(self) -> None:
        self.transport: Transport | None = None
        self._builder: Builder | None = None
        self._settings: Document = {}

    @property
    def _built(self) -> Builder:
        if self._builder is None:
            raise StepError("the network isn't open: its workers weren't reserved")
        return self._builder

    def look(self, progress: Progress, settings: Document) -> Document:
        """Return facts on the workers; changes nothing."""
        from .look import look

        del progress
        return look(self._connect(settings), settings)

    def open(self, progress: Progress, settings: Document) -> Document:
        """Connect to the workers and reserve them."""
        transport = self._connect(settings)
        found = reserve_workers(progress, transport, settings)
        self._builder = Builder({**settings, "public_key": public_key(settings.get("key"))}, transport)
        return {
            "version": VERSION, "workers": [worker["name"] for worker in settings["workers"]],
            "datapath": found,
        }  # fmt: skip

    def _connect(self, settings: Document) -> Transport:
        """Return the way to the workers."""
        from .connection import transport_of

        self._settings = settings
        self.transport = transport_of(settings)
        return self.transport

    def create(self, progress: Progress, document: Document) -> Document:
        """Create a network; return the worker of each node, as Distrinet has it."""
        try:
            return self.add(progress, document)
        except DeadlineError:
            raise StepError(f"Distrinet didn't finish: {'; '.join(self._said())}") from None

    def add(self, progress: Progress, document: Document) -> Document:
        """Add nodes and links to the network."""
        builder = self._built
        refuse_existing(builder.transport, document)
        return {"nodes": builder.add(document, progress)}

    def info(self, progress: Progress) -> Document:
        """Return Distrinet's version, the driver's process id, and what Distrinet knows."""
        del progress
        builder = self._built
        return {
            "version": VERSION,
            "pid": os.getpid(),
            "nodes": builder.places(),
            "interfaces": list(builder.interfaces),
        }

    def execute(self, progress: Progress, commands: list[Document]) -> list[list[Any]]:
        """Run commands in nodes, all at once; return exit code, output and errors of each. Thread-safe.

        They are ended in the nodes once the client has gone away.
        """
        return self._job(commands).run(progress)

    def batches(self, progress: Progress, lines: dict[str, list[str]], harmless: bool = False) -> None:
        """Run `ip -batch` in nodes; with `harmless`, ignore failures."""
        commands = [
            {
                "node": name,
                "argv": ["ip", "-force", "-batch", "-"],
                "input": "".join(f"{line}\n" for line in some),
                "timeout": _COMMAND_SECONDS,
            }
            for name, some in lines.items()
        ]
        self._all(progress, "settings", commands, harmless)

    def ports(self, progress: Progress, ends: list[Document], up: bool) -> None:
        """Bring interfaces up or down, Distrinet's way."""
        del progress
        for end in ends:
            self._built.interface(end["name"]).ifconfig("up" if up else "down")

    def shape(self, progress: Progress, ends: list[Document]) -> None:
        """Apply the shapes of ends."""
        for done, end in enumerate(ends, 1):
            self._built.interface(end["name"]).shape(end["shape"])
            progress("shapes", done, len(ends))

    def leave(self, progress: Progress, ends: list[Document]) -> None:
        """Take interfaces out of their bridges."""
        del progress
        for end in ends:
            intf = self._built.interface(end["name"])
            intf.node.detach(intf)

    def join(self, progress: Progress, ends: list[Document]) -> None:
        """Put interfaces back into their bridges."""
        del progress
        for end in ends:
            intf = self._built.interface(end["name"])
            intf.node.attach(intf)

    def flows(self, progress: Progress, protocol: str, lines: dict[str, list[str]]) -> None:
        """Replace the flows and groups of switches; each has the lines of one `ovs-ofctl bundle`."""
        commands = [
            {
                "node": name, "argv": ["ovs-ofctl", "-O", protocol, "bundle", name, "-"],
                "input": "".join(f"{line}\n" for line in some), "timeout": _COMMAND_SECONDS,
            }
            for name, some in lines.items()
        ]  # fmt: skip
        self._all(progress, "flows", commands, harmless=False)

    def terminal(self, progress: Progress, node: str, argv: list[str], tty: bool = True) -> Document:
        """Return the command line that runs `argv` in a node, on the terminal of who runs it."""
        del progress
        host = self._built.network[node].ssh.host
        return {"argv": ssh_command(self._settings, host, argv, tty=tty)}

    def stop(self, progress: Progress) -> None:
        """Remove everything and free the workers; end this program soon after."""
        if self.transport is None:
            return
        left = remove_all(progress, self.transport, self._settings)
        threading.Timer(_EXIT_SECONDS, os._exit, (0,)).start()  # Distrinet's thread would keep it alive
        if left:
            raise StepError("; ".join(left))

    def clean(self, progress: Progress, settings: Document, document: Document) -> list[str]:
        """Remove what an earlier driver of this network left on the workers; return what couldn't be."""
        del document
        return remove_all(progress, self._connect(settings), settings)

    def _said(self) -> list[str]:
        transport = self.transport
        return [] if transport is None else [*transport.complaints.taken(), *transport.stuck]

    def _job(self, commands: list[Document]) -> Job:
        return Job(self._built, self._settings["network"], commands)

    def _all(self, progress: Progress, phase: str, commands: list[Document], harmless: bool) -> None:
        """Run commands that belong together: they are finished even if the client has gone away."""
        for command, (code, _, errors) in zip(commands, self._job(commands).run(), strict=True):
            if code and not harmless:
                words = base64.b64decode(errors).decode(errors="replace").strip()
                raise StepError(f"{command['argv'][0]} in {command['node']}: {words or f'exit code {code}'}")
        progress(phase, len(commands), len(commands))
