"""A plan as bytes, to send it to workers: our arrays, compressed; no pickles, so bytes can't run code.

A line of JSON (engine, workers, options, sizes), then the graph (`topologies.store`) and the worker of each
node, both by zlib at its fastest level. A million nodes take 2 MB.
"""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import asdict

import numpy as np

from emulator.placement.worker import Worker
from emulator.plan import Plan
from topologies import store

_LEVEL = 1
"""Higher levels take several times as long and save a tenth."""


def pack(plan: Plan) -> bytes:
    """Return `plan` as bytes, without its warnings and with all links up."""
    graph = io.BytesIO()
    store.write(plan.topology, graph)
    packed = zlib.compress(graph.getbuffer(), _LEVEL)
    placement = zlib.compress(np.ascontiguousarray(plan.placement, dtype="<i4").tobytes(), _LEVEL)
    head = {
        "engine": plan.engine,
        "workers": [asdict(worker) for worker in plan.workers],
        "method": plan.method,
        "options": dict(plan.options),
        "graph": len(packed),
    }
    return b"".join((json.dumps(head).encode(), b"\n", packed, placement))


def unpack(data: bytes) -> Plan:
    """Return the plan that `pack` turned into `data`."""
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    size = head["graph"]
    topology = store.read(io.BytesIO(zlib.decompress(rest[:size])))
    placement = np.frombuffer(zlib.decompress(rest[size:]), dtype="<i4").astype(np.int32)
    workers = tuple(Worker(**worker) for worker in head["workers"])
    return Plan(topology, head["engine"], placement, workers, method=head["method"], options=head["options"])
