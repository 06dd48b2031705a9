"""What each export writes, to the byte; a wanted change goes into the files beside this."""

from pathlib import Path

import pytest

from topologies.build import build
from topologies.formats.export import export
from topologies.spec.load import load_text

HERE = Path(__file__).parent
FILES = {"graphml": "small.graphml", "json": "small.json", "dot": "small.dot", "mininet": "small.mininet"}


@pytest.mark.parametrize("to", list(FILES))
def test_export(to: str) -> None:
    made = build(load_text((HERE / "small.yaml").read_text(encoding="utf-8")))
    assert export(made, to) == (HERE / FILES[to]).read_text(encoding="utf-8")
