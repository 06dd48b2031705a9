"""What each export writes, to the byte; a wanted change goes into the files beside this.

After one: UPDATE_GOLDEN=1 pytest tests/golden/formats, then read the difference line by line.
"""

from pathlib import Path

import pytest
from support import topologies
from support.golden import recorded

from emulator.forwarding.exported import static_routes
from topologies.build import build
from topologies.spec.load import load_text

HERE = Path(__file__).parent
FILES = [
    *(("small", to) for to in ("graphml", "json", "dot", "mininet")),
    *(("openflow", to) for to in ("graphml", "json", "mininet")),
    ("routed", "mininet"),
    ("lan", "mininet"),
]


@pytest.mark.parametrize(("name", "to"), FILES, ids="-".join)
def test_export(name: str, to: str) -> None:
    made = build(load_text((HERE / f"{name}.yaml").read_text(encoding="utf-8")))
    routes = static_routes(made) if to == "mininet" and name != "small" else None
    found = topologies.exported(made, to, routes)
    assert found == recorded(HERE / f"{name}.{to}", found)
