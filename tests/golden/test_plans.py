"""Every file in `plans/` gives exactly the plan of its `.json`, to the byte, on any machine.

Comments at the top of a file say how it is planned: `# workers: 4`, `# memory: 2 MiB`, `# placement: spread`.
After a change: UPDATE_GOLDEN=1 pytest tests/golden/test_plans.py, then read the difference line by line.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.golden import recorded

from emulator.node_settings import node_settings
from emulator.placement.worker import numbered
from emulator.plan import Plan, make_plan
from emulator.summary import sample, summary
from topologies.build import build
from topologies.quantities import SIZE
from topologies.spec.load import load

PLANS = Path(__file__).parent / "plans"
FILES = sorted(PLANS.glob("*.yaml"))
_OPTION = re.compile(r"# (workers|memory|placement): (.+)")


def planned(path: Path) -> Plan:
    options = dict(found.groups() for line in path.read_text().splitlines() if (found := _OPTION.match(line)))
    document = load(path)
    memory = int(SIZE.parse(options["memory"])) if "memory" in options else None
    workers = numbered(int(options.get("workers", "1")), memory)
    method = options.get("placement")
    return make_plan(build(document), document.spec.engine_name, workers, method=method)


def everything(plan: Plan) -> str:
    """Return a digest of all that a plan sets on all nodes: ports, MACs, addresses, routes, neighbours."""
    digest = hashlib.sha256()
    for node in range(plan.topology.node_count):
        settings = node_settings(plan, node)
        sets = (settings.addresses, settings.routes, settings.neighbours)
        words = [
            settings.name,
            settings.mac,
            [int(plan.forwarding.roles[link, end]) for link, end, _ in plan.topology.incident(node)],
            sorted(settings.ports.items()),
            *(sorted(s, key=repr) for s in sets),
        ]
        digest.update(repr(words).encode())
    return digest.hexdigest()


def text(plan: Plan) -> str:
    names = plan.topology.names
    placed: dict[str, list[str]] = {worker.name: [] for worker in plan.workers}
    for node, worker in enumerate(plan.placement.tolist()):
        placed[plan.workers[worker].name].append(names[node])
    said: dict[str, Any] = summary(plan)
    said["placed"] = {worker: " ".join(nodes) for worker, nodes in placed.items()}
    said["settings_sha256"] = everything(plan)
    said["sample"] = sample(plan, 2)
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_gives_this_plan(path: Path) -> None:
    found = text(planned(path))
    assert found == recorded(path.with_suffix(".json"), found)


def test_gives_the_same_plan_in_another_process() -> None:
    # string hashes differ from process to process: nothing may hang on the order of a set
    script = f"""
import sys
sys.path[:0] = {[str(folder) for folder in Path(__file__).parents[:2]]!r}
from test_plans import FILES, planned, text
print("".join(text(planned(path)) for path in FILES), end="")
"""
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    made = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    assert made.stdout == "".join(text(planned(path)) for path in FILES)


def test_there_are_enough_of_them_and_none_is_left_over() -> None:
    assert len(FILES) >= 15
    assert {path.stem for path in FILES} == {path.stem for path in PLANS.glob("*.json")}
