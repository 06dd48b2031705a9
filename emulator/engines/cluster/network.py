"""The handle of a network whose shares run on the workers of a cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

from emulator.deviation import Deviation
from emulator.engines import link_changes
from emulator.engines.cluster.access import ClusterAccess
from emulator.engines.cluster.calls import Workers, raise_for
from emulator.engines.cluster.connection import workers_of
from emulator.engines.cluster.live_links import live_links
from emulator.engines.cluster.removal import take_down
from emulator.engines.cluster.session import ClusterSession
from emulator.engines.cluster.shares import LEFT, NUMBER, USED
from emulator.engines.recorded import RecordedNetwork
from emulator.errors import EmulationError
from emulator.link_states import States, links_up
from emulator.linux.processes.interrupts import stoppable
from emulator.moved_ports import with_moved_port
from emulator.network import Health, LinkState, Progress, silent
from emulator.node_facts import node_facts
from emulator.plan import Plan
from emulator.state import link_states
from emulator.stress_lock import JOURNAL, left_over
from topologies.counting import counted

_SECONDS = 120.0
"""Time limit to compare or repair a share node by node, beside a tenth of a millisecond a node."""
_SEEN_SECONDS = 1.0
_NO_SHAPES_REFUSED: list[str] = []


class ClusterNetwork(RecordedNetwork):
    """A running network of a cluster."""

    _seen: Plan | None = None
    _seen_at = 0.0

    @cached_property
    def workers(self) -> Workers:
        """The workers that have a share."""
        record = self._record
        used = record.options.get(USED, ())
        return workers_of(record.plan_options, self.name, used, record.options.get(NUMBER, ""))

    @cached_property
    def access(self) -> ClusterAccess:
        """Access to the nodes, by calls to the workers."""
        return ClusterAccess(self.engine, lambda: self._filed_plan, lambda: self.workers)

    def again(self) -> ClusterNetwork:
        """Return a new handle, which reads the record and the graph again."""
        return ClusterNetwork(self._state)

    def health(self) -> Health:
        """Ask each worker for the health of its share; one that doesn't answer is a problem, by name."""
        problems = list(left_over(self._state.folder))
        if self._record.phase != "up":
            problems.append(f"`up` did not finish; `emulator up` or `emulator down {self.name}`")
        problems += [f"{name}: `down` could not free it: {w}" for name, w in self._left.items()]
        try:
            outcomes = self.workers.outcomes(
                "emulator.agent.state:health", self.workers.each(), self._seconds
            )
        except EmulationError as error:
            return Health(running=False, problems=(str(error), *problems))
        nodes, notes, shown = 0, list[str](), dict[str, Any]()
        for name, outcome in outcomes.items():
            if outcome.answer is None:
                problems.append(f"{name}: {outcome.error}")
                shown[name] = {"nodes": None, "state": "unreachable"}
                continue
            found = outcome.answer.value
            nodes += found["nodes"]
            problems += [f"{name}: {problem}" for problem in found["problems"]]
            notes += [f"{name}: {note}" for note in found["notes"]]
            shown[name] = {"nodes": found["nodes"], "state": "up" if found["running"] else "BROKEN"}
        return Health(
            running=not problems, nodes=nodes, problems=tuple(problems), details={"workers": shown},
            notes=tuple(notes),
        )  # fmt: skip

    @property
    def _left(self) -> Mapping[str, str]:
        left: Mapping[str, str] = self._record.options.get(LEFT) or {}
        return left

    @property
    def _seconds(self) -> float:
        return _SECONDS + 1e-4 * self.topology.node_count

    def beyond_repair(self) -> str:
        """Return why `up` must create the network again; empty where it can be changed."""
        if self._record.phase == "deploying":
            return "an earlier `up` did not finish"
        if self._left:
            return f"an earlier `down` had removed all of it except from {counted(len(self._left), 'worker')}"
        return ""

    @property
    def link_changes(self) -> States:
        """Changes to links since `up`; of a run that goes on or was killed, the workers are asked."""
        recorded = link_states(self._record)
        if not (self._state.folder / JOURNAL).exists():
            return recorded
        return live_links(lambda: self.workers, recorded, self.topology, self.access.worker_of)

    def describe(self, node: int) -> Mapping[str, Any]:
        """Return facts of a node as JSON data: also its services, and a light port's state and counters."""
        if not (self.topology.light[node] or self.topology.node_profile_of(node).setup.run):
            return node_facts(self._plan_now(), node)
        worker = self.access.worker_of(node)
        found = self.workers.ask_one(worker, "emulator.agent.state:describe", {"node": node}).value
        return dict(found) | {"worker": worker}

    def _plan_now(self) -> Plan:
        """Return the plan with the links that are up now; those of a run are asked for once a second."""
        now = time.monotonic()
        if self._seen is None or now > self._seen_at + _SEEN_SECONDS:
            up = links_up(self.topology, self.link_changes)
            self._seen, self._seen_at = (self._seen or self.plan).with_links(up), now
        return self._seen

    def set_link(self, link: int, state: LinkState) -> None:
        """Change a running link to `state`, on all workers: routes may change on each."""
        self.set_links({link: state})

    def set_links(self, wanted: States) -> None:
        """Change running links at once, on all workers."""
        with self._state.locked("link"), stoppable():
            self._record = self._state.read()
            self.change_links(wanted)

    def change_links(self, wanted: States) -> bool:
        """Change running links to `wanted`; return False if they already match. The caller holds the lock.

        The workers refuse before they change anything. If one fails, the next command completes the change:
        the record has the wanted state. UsageError for an unknown link.
        """
        link_changes.refuse(self.topology, wanted, lambda _: _NO_SHAPES_REFUSED)

        def carry_out(before: States, after: States) -> None:
            changed = [link for link in {**before, **after} if before.get(link) != after.get(link)]
            self._send_links({link: after.get(link, LinkState()) for link in sorted(changed)})

        changed = link_changes.change(self._state, self._record, wanted, carry_out)
        if not changed and wanted:  # the parts of a killed stress run change links on the workers alone
            self._send_links(wanted)
        self._plan_again()
        return changed

    def _send_links(self, wanted: States) -> None:
        states = [[link, asdict(state)] for link, state in wanted.items()]
        self.workers.ask_all("emulator.agent.state:set_links", self._seconds, {"links": states})

    def migrate(self, node: int, host: int) -> None:
        """Move a light port to another compute host, where the records have it from now on."""
        with self._state.locked("migrate"), stoppable():
            self._record = self._state.read()
            old = self._plan_again()
            if old.overlay is None or not self.topology.light[node]:
                super().migrate(node, host)
                return
            row = node - old.overlay.ports.first
            if int(old.overlay.ports.host[row]) == host:
                return
            self.workers.ask_all("emulator.agent.state:migrate", self._seconds, {"node": node, "host": host})
            new = with_moved_port(self._filed_plan, row, host)
            self.topology = new.topology
            self.__dict__["_filed_plan"], self._plan = new, None
            self._state.save(new, hosts=None)

    def session(self) -> ClusterSession:
        """Return a session for many quick changes: one on each worker that it changes."""
        return ClusterSession(lambda: self.plan, self.workers)

    def deviations(self) -> Sequence[Deviation]:
        """Have each worker compare its share with the plan; return deviations."""
        answers = self.workers.ask_all("emulator.agent.state:deviations", self._seconds)
        return [Deviation(**one) for answer in answers.values() for one in answer.value]

    def repair(self) -> list[str]:
        """Have each worker repair its share under the network's lock, and return what was repaired."""
        with self._state.locked("repair"), stoppable():
            self._record = self._state.read()
            return self.repair_locked()

    def repair_locked(self) -> list[str]:
        """Repair, and return what was repaired; the caller holds the network's lock."""
        outcomes = self.workers.outcomes("emulator.agent.state:repair", self.workers.each(), self._seconds)
        failed = {name: one.error for name, one in outcomes.items() if one.error is not None}
        if failed:
            raise_for(failed)
        return [str(w) for one in outcomes.values() if one.answer is not None for w in one.answer.value]

    def down(self, progress: Progress = silent) -> None:
        """Take the network down."""
        take_down(self._state, progress)
