"""Processes in the nodes of a network, by node: a task, so that workers list those of their nodes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psutil

from emulator.linux.processes.node_mark import node_of
from emulator.spreads import OnEveryWorker
from emulator.tasks import Nodes, Plain, Task

_MOST = 10_000
"""Most processes to list: their command lines may be long."""


class ListProcesses:
    """Answers with the processes now: a list of {"node", "pid", "command"}; `node` is None beside nodes."""

    failure: BaseException | None = None

    def __init__(self, nodes: Nodes, arguments: Mapping[str, Plain]) -> None:
        del arguments
        self._nodes = nodes

    def ask(self, request: Plain = None) -> Plain:
        """Return the list."""
        del request
        found = []
        for pid in self._nodes.processes()[:_MOST]:
            with suppress(psutil.Error, OSError):
                words = psutil.Process(pid).cmdline()
                found.append({"node": node_of(pid), "pid": pid, "command": " ".join(words)})
        return [one for one in found if one["command"]]

    def stop(self) -> Plain:
        """Nothing is left to end."""
        return None


class Joined(OnEveryWorker):
    """The same question to every worker; the lists are joined."""

    def joined(self, request: Plain, answers: Mapping[str, Plain]) -> Plain:
        """Return one list."""
        del request
        return [one for answer in answers.values() for one in answer or ()]

    def results(self, parts: Mapping[str, Plain]) -> Plain:
        """Return nothing."""
        del parts


LIST_PROCESSES = Task(f"{__name__}:{ListProcesses.__name__}", spread=Joined())
