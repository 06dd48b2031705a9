"""Runs inside one machine of `support.machines`: carries out JSON lines on its share of a network."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from typing import Any

import numpy as np

from emulator.engines.netns import NetnsEngine
from emulator.engines.registry import attach
from emulator.engines.share import taken_vnis
from emulator.errors import EmulationError
from emulator.network import LinkState
from emulator.placement.worker import numbered
from emulator.plan import Plan
from emulator.state import names, state_root
from emulator.tunnel_mtu import with_domain_mtu
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text


def plan_of(request: dict[str, Any]) -> Plan:
    """Return the plan of a request: text, placement by name, options; `share` None is all on one machine."""
    topology = build(load_text(request["text"]))
    placement = np.array([request["placement"].get(name, 0) for name in topology.names], dtype=np.int32)
    assert set(request["placement"]).issubset(topology.names)
    workers = numbered(request["workers"])
    plan = with_domain_mtu(Plan(topology, "netns", placement, workers, options=request["options"]))
    share = request["share"]
    if share is None:
        return Plan(plan.topology, "netns", np.zeros_like(placement))
    return Plan(plan.topology, "netns", placement, workers, options=request["options"], share=share)


class Agent:
    """The verbs."""

    def __init__(self) -> None:
        self.sessions: dict[str, Any] = {}

    def up(self, request: dict[str, Any]) -> list[str]:
        plan = plan_of(request)
        NetnsEngine().accept(plan)
        network = NetnsEngine().deploy(plan)
        return [*(network.changes or ()), *network.notes]

    def run(self, request: dict[str, Any]) -> list[tuple[int, str]]:
        """Run a shell command in nodes: (exit code, output)."""
        network = attach(request["name"])
        nodes = [network.topology.names.index(name) for name in request["nodes"]]
        found = network.access.execute(nodes, ["sh", "-c", request["command"]], 60)
        return [(r.code, (r.output + r.errors).decode()) for r in found]

    def here(self, request: dict[str, Any]) -> list[str]:
        """Return the nodes of this machine."""
        return list(attach(request["name"]).plan.here.names)

    def deviations(self, request: dict[str, Any]) -> list[str]:
        return [str(one) for one in attach(request["name"]).deviations()]

    def repair(self, request: dict[str, Any]) -> list[str]:
        return attach(request["name"]).repair()

    def health(self, request: dict[str, Any]) -> dict[str, Any]:
        found = attach(request["name"]).health()
        return {"running": found.running, "nodes": found.nodes, "problems": list(found.problems)}

    def link(self, request: dict[str, Any]) -> None:
        """Bring a link down or up, or shape both directions."""
        network = attach(request["name"])
        shape = Shape(bandwidth=request["bandwidth"]) if request.get("bandwidth") else None
        state = LinkState(up=request.get("up", True), forward=shape, backward=shape)
        network.set_link(request["link"], state)

    def migrate(self, request: dict[str, Any]) -> None:
        network = attach(request["name"])
        network.migrate(*(network.topology.names.index(request[key]) for key in ("port", "host")))

    def session(self, request: dict[str, Any]) -> None:
        """Begin a session, call methods of it, or end it."""
        name = request["name"]
        if request["call"] == "begin":
            self.sessions[name] = attach(name).session()
            self.sessions[name].__enter__()
        elif request["call"] == "end":
            self.sessions.pop(name).__exit__(None, None, None)
        else:
            getattr(self.sessions[name], request["call"])(*request["args"], **request.get("keys", {}))

    def taken(self, request: dict[str, Any]) -> list[Any]:
        del request
        return list(taken_vnis())

    def shell(self, request: dict[str, Any]) -> tuple[int, str]:
        """Run a shell command on the machine itself."""
        done = subprocess.run(["sh", "-c", request["command"]], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def down_all(self, request: dict[str, Any]) -> None:
        del request
        for name in names(state_root()):
            NetnsEngine().take_down(name)

    def down(self, request: dict[str, Any]) -> None:
        NetnsEngine().take_down(request["name"])


def main() -> None:
    """Answer requests until the end of standard input."""
    agent = Agent()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"answer": getattr(agent, request.pop("do"))(request)}
        except EmulationError as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        except Exception:  # noqa: BLE001 -- the test shows it
            answer = {"error": traceback.format_exc(), "kind": "Exception"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
