"""Steps of a running Mininet network that the emulator can request, one method each."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from mininet.net import VERSION
from serving.server import Progress, StepError

from .build import Builder, Document
from .console import Console

_BATCH_SECONDS = 60


class Steps:
    """The steps; `progress` receives the progress of those with many parts."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._network = builder.network
        self.console = Console(self._network)

    def info(self, progress: Progress) -> Document:
        """Return Mininet's version, its process id, and the names of its nodes and interfaces."""
        del progress
        names = list(self._builder.links)
        return {"mininet": VERSION, "pid": os.getpid(), "nodes": list(self._network), "interfaces": names}

    def controllers(self, progress: Progress, documents: list[Document]) -> None:
        """Add controllers."""
        del progress
        for document in documents:
            self._builder.controller(document)

    def nodes(self, progress: Progress, documents: list[Document]) -> dict[str, int]:
        """Add nodes; return the process ids of their shells."""
        pids = {}
        for done, document in enumerate(documents, 1):
            pids[document["name"]] = self._builder.node(document)
            progress("nodes", done, len(documents))
        return pids

    def shells(self, progress: Progress, names: list[str]) -> list[int]:
        """Return the process ids of the shells of nodes."""
        del progress
        return [self._network[name].pid for name in names]

    def links(self, progress: Progress, documents: list[Document]) -> None:
        """Add links."""
        for done, document in enumerate(documents, 1):
            self._builder.link(document)
            progress("links", done, len(documents))

    def configure(self, progress: Progress, names: list[str]) -> None:
        """Configure hosts except for their addresses: their loopbacks, as Mininet does after the links."""
        for done, name in enumerate(names, 1):
            node = self._network[name]
            node.config(**{**node.params, "ip": None, "mac": None})
            progress("hosts", done, len(names))

    def addresses(self, progress: Progress, ends: list[Document]) -> None:
        """Set the addresses of interfaces of existing hosts."""
        for done, end in enumerate(ends, 1):
            if end["node"] in self._network:
                self._network[end["node"]].setIP(end["ip"], intf=end["name"])
            progress("addresses", done, len(ends))

    def start(self, progress: Progress, names: list[str]) -> None:
        """Start switches; Open vSwitch's all at once."""
        batches: dict[Any, list[Any]] = {}
        for done, name in enumerate(names, 1):
            switch = self._network[name]
            switch.start(self._network.controllers)
            batches.setdefault(type(switch), []).append(switch)
            progress("switches", done, len(names))
        for kind, switches in batches.items():
            if hasattr(kind, "batchStartup"):
                kind.batchStartup(switches)
                for switch in switches:
                    switch.commands = []
                progress("switches", len(names), len(names))

    def batch(self, progress: Progress, name: str, lines: list[str], harmless: bool = False) -> None:
        """Run `ip -batch` with lines in a node; with `harmless`, ignore failures."""
        del progress
        node = self._network[name]
        words = ["ip", "-force", "-batch", "-"]
        process = node.popen(words, stdin=subprocess.PIPE)
        try:
            text = "".join(line + "\n" for line in lines).encode()
            _, errors = process.communicate(text, timeout=_BATCH_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        if process.returncode and not harmless:
            raise StepError(f"ip in {name}: {errors.decode(errors='replace').strip()}")

    def batches(self, progress: Progress, lines: dict[str, list[str]], harmless: bool = False) -> None:
        """Run `ip -batch` in many nodes; with `harmless`, in existing ones only, ignoring failures."""
        for done, (name, some) in enumerate(lines.items(), 1):
            if not harmless or name in self._network:
                self.batch(progress, name, some, harmless)
            progress("settings", done, len(lines))

    def port(self, progress: Progress, name: str, up: bool) -> None:
        """Bring an interface up or down, Mininet's way."""
        del progress
        said = self._builder.interface(name).ifconfig("up" if up else "down")
        if said:
            raise StepError(f"{name}: {said.strip()}")

    def ports(self, progress: Progress, names: list[str], up: bool, partly: bool = False) -> None:
        """Bring interfaces up or down; with `partly`, existing ones only."""
        for name in self._there(names, partly):
            self.port(progress, name, up)

    def move(self, progress: Progress, out: list[str], into: list[str], partly: bool = False) -> None:
        """Detach interfaces from their switches, then attach others; with `partly`, existing ones only."""
        del progress
        for name in self._there(out, partly):
            intf = self._builder.interface(name)
            intf.node.detach(intf)
            intf.node.out |= {name}
        for name in self._there(into, partly):
            intf = self._builder.interface(name)
            intf.node.attach(intf)
            intf.node.out -= {name}

    def forget(self, progress: Progress, names: list[str]) -> None:
        """Clear the learned MACs of existing switches."""
        del progress
        for name in names:
            if name in self._network:
                self._network[name].forget()

    def shape(self, progress: Progress, ends: list[Document], partly: bool = False) -> None:
        """Apply the shapes in the documents of ends; with `partly`, to existing interfaces only."""
        del progress
        there = frozenset(self._there([end["name"] for end in ends], partly))
        for end in ends:
            if end["name"] in there:
                self._builder.shape(end)

    def _there(self, names: list[str], partly: bool) -> list[str]:
        """Return the interfaces to change: all, or with `partly` those of existing links."""
        return [name for name in names if name in self._builder.links] if partly else names

    def unlink(self, progress: Progress, names: list[str], partly: bool = False) -> None:
        """Delete links, each given by one of its interfaces; with `partly`, existing ones only."""
        for done, name in enumerate(self._there(names, partly), 1):
            self._builder.unlink(name)
            progress("links", done, len(names))

    def remove(self, progress: Progress, names: list[str], partly: bool = False) -> None:
        """Delete nodes, after their links; with `partly`, existing ones only."""
        there = [name for name in names if not partly or name in self._network]
        for done, name in enumerate(there, 1):
            self._builder.remove(name)
            progress("nodes", done, len(names))

    def cli(self, progress: Progress, files: list[str]) -> None:
        """Run Mininet's command line on a terminal, or on pipes, until the user leaves it."""
        del progress
        self.console.run(files)
