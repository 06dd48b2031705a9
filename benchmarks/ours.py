"""One deploy and one take-down of a file by the netns engine, timed inside one process.

`run.py` runs it in a separate process, so that each sample starts from the same state:

    python benchmarks/ours.py FILE [--count]

Prints one line of JSON with the same keys as `floor.c`: seconds of `deploy` (the engine's whole
deploy: state, records, namespaces, links), `deploy_cpu` (user and system), `down`, and the counts.
With --count, every namespace is entered between the two, outside the measured time.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator.engines.netns import NetnsEngine
from emulator.engines.store import store_of
from emulator.linux.netlink.connection import NLM_F_DUMP, NLM_F_REQUEST, Netlink
from emulator.linux.netlink.messages import RTM_GETLINK, link_body, link_dump, message
from emulator.plan import make_plan
from emulator.state import NetworkState, state_root
from topologies.build import build
from topologies.spec.load import load

_RTM_GETADDR = RTM_GETLINK + 4


def counted(state: NetworkState) -> dict[str, int]:
    """Return the number of links and addresses in the namespaces of a running network."""
    store = store_of(state)
    links = addresses = 0
    with store.entered():
        for file in store.files():
            store.go(file)
            with Netlink() as netlink:
                links += len(netlink.dump(link_dump()))
                ask = message(_RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, link_body(0))
                addresses += len(netlink.dump(ask))
    return {"links": links, "addresses": addresses}


def main(file: str, *options: str) -> None:
    """Deploy the network of `file`, take it down, and print the seconds."""
    topology = build(load(Path(file)))
    engine = NetnsEngine()
    plan = make_plan(topology, engine.name)
    engine.accept(plan)
    state = NetworkState(state_root(), topology.name)
    begin, cpu = time.perf_counter(), time.process_time()
    engine.deploy(plan)
    deploy, deploy_cpu = time.perf_counter() - begin, time.process_time() - cpu
    counts = counted(state) if "--count" in options else {}
    begin, cpu = time.perf_counter(), time.process_time()
    engine.take_down(topology.name)
    down, down_cpu = time.perf_counter() - begin, time.process_time() - cpu
    seconds = {"deploy": deploy, "deploy_cpu": deploy_cpu, "down": down, "down_cpu": down_cpu}
    print(json.dumps({**seconds, "namespaces": topology.node_count, **counts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
