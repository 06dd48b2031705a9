"""The table of Mininet's examples in docs/mininet.md, held against the examples where they are installed."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from topologies.build import build
from topologies.counting import counted
from topologies.errors import InputError
from topologies.spec.load import load_text

EXAMPLES = Path("/usr/share/doc/mininet/examples")
TABLE = Path(__file__).parents[4] / "docs" / "mininet.md"
ROW = re.compile(r"^\| `(\w+)` \| (refused|[^|]+? links?)(?:; `([^`]+)`)? \| (.+) \|$", re.MULTILINE)


def read(name: str, keys: str) -> str:
    """Return what the import of an example makes, as the table says it."""
    addressing = f"{keys}\n" if keys.startswith("addressing") else ""
    options = f", {keys}" if keys and not addressing else ""
    text = f"name: m\ntopology: {{mininet: {name}.py{options}}}\n{addressing}"
    try:
        made = build(load_text(text, folder=EXAMPLES))
    except InputError:
        return "refused"
    things = [counted(count, kind) for kind, count in made.kind_counts().items()]
    return ", ".join([*things, counted(made.link_count, "link")])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="Mininet's examples are not installed on this machine")
def test_the_table_of_examples_says_what_happens() -> None:
    rows = ROW.findall(TABLE.read_text(encoding="utf-8").partition("## Mininet's tests")[0])
    assert [row[0] for row in rows] == sorted(
        (path.stem for path in EXAMPLES.glob("*.py") if path.stem != "__init__"), key=str
    )
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: read(row[0], row[2]), rows))
    assert dict(zip((row[0] for row in rows), found, strict=True)) == {row[0]: row[1] for row in rows}
    refused = sum(words == "refused" for words in found)
    assert f"{len(rows) - refused} of them are read, {refused} are refused." in TABLE.read_text(
        encoding="utf-8"
    )
