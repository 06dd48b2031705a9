"""Files with more wrong in them than anybody reads: what they cost doesn't grow with them."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stress.scenario import load as scenario
from topologies import errors, overrides
from topologies.build import build
from topologies.errors import MAX_FOUND, MAX_SHOWN, InputError
from topologies.source import events, values
from topologies.source import file as source_file
from topologies.spec import chunked, load, validate
from topologies.spec.load import load_text

pytestmark = pytest.mark.slow

GRAPH = "name: x\ntopology:\n  nodes: {h1: {}, s1: {kind: switch}}\n  links:\n"


def lines(count: int, line: str) -> str:
    return "".join(line.format(number) for number in range(count))


WRONG: dict[str, tuple[Callable[[int], str], str]] = {
    "keys": (lambda n: "name: x\n" + lines(n, "wrong-{}: 1\n"), "unknown key"),
    "keys of a generator": (
        lambda n: "name: x\ntopology:\n  generator: tree\n" + lines(n, "  wrong-{}: 1\n"), "unknown key",
    ),
    "nodes": (
        lambda n: "name: x\ntopology:\n  nodes:\n" + lines(n, "    h{}: {{kindd: host}}\n"),
        "did you mean `kind`",
    ),
    "links": (lambda n: GRAPH + lines(n, "    - [h1, s1, {{delai: {}}}]\n"), "did you mean `delay`"),
    "links to nowhere": (lambda n: GRAPH + lines(n, "    - [h1, nobody{}]\n"), "there is no node"),
    "rules": (
        lambda n: "name: x\ntopology: {generator: tree}\nlinks:\n" + lines(n, "  - {{bandwith: {}}}\n"),
        "did you mean `bandwidth`",
    ),
    "keys that appear twice": (lambda n: "name: x\n" + lines(n, "seed: {}\n"), "appears twice"),
    "aliases of nothing": (lambda n: "name: x\n" + lines(n, "b{}: *nope\n"), "there is no anchor"),
    "tags": (lambda n: "name: x\n" + lines(n, "b{}: !t 1\n"), "isn't supported"),
    "lists as keys": (lambda n: "name: x\n" + lines(n, "[a{}]: 1\n"), "a key must be text"),
}  # fmt: skip


def refused(text: str, load: Callable[[str], Any] = load_text) -> InputError:
    with pytest.raises(InputError) as caught:
        load(text)
    return caught.value


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the events that are read."""
    count = [0]
    read = events.events_of

    def counting(text: str) -> Iterator[yaml.Event]:
        for event in read(text):
            count[0] += 1
            yield event

    monkeypatch.setattr(values, "events_of", counting)
    return count


@pytest.mark.parametrize("kind", WRONG)
def test_reading_ends_where_enough_is_wrong(kind: str, counted: list[int]) -> None:
    make, words = WRONG[kind]
    work = []
    for size in (60_000, 120_000):
        counted[0] = 0
        error = refused(make(size))
        assert MAX_FOUND <= len(error.problems) < 2 * MAX_FOUND
        work.append(counted[0])
    assert work[0] == work[1], "twice the file is twice the work"
    shown = str(error).splitlines()
    assert len(shown) == MAX_SHOWN + 1
    assert all(words in line for line in shown[:-1])
    assert shown[-1] == "and more problems, which weren't counted; fix these first"
    few = [str(problem) for problem in refused(make(3)).problems]
    assert shown[0] in few


def test_what_is_wrong_only_late_in_a_large_file_takes_no_memory_an_item() -> None:
    """After the last look: a thousand of a kind are noted, however many there are."""
    peaks = []
    for wrong in (20_000, 60_000):
        nodes = lines(100_000, "    h{}: {{}}\n") + lines(wrong, "    w{}: {{kindd: host}}\n")
        text = "name: x\ntopology:\n  nodes:\n" + nodes
        data = load.parse(text, "f").data
        tracemalloc.start()
        problems: validate.Found = []
        load._parts(data, problems, {})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert MAX_FOUND <= len(problems) <= MAX_FOUND + chunked._PART
        assert problems[0][0] == ("topology", "nodes", "w0", "kindd")
    assert peaks[1] < 1.3 * peaks[0]


def test_positions_in_a_long_list_are_those_in_the_file() -> None:
    good = ["    - [h1, s1]\n"] * 12_000
    good[11_000] = "    - [h1, s1, {delai: 1}]\n"
    good[4] = "    - [h1]\n"
    found = {problem.key: problem.line for problem in refused(GRAPH + "".join(good)).problems}
    assert found == {"topology.links[4]": 9, "topology.links[11000][2].delai": 11_005}


def test_a_long_list_and_a_long_mapping_are_validated_as_short_ones_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (
        GRAPH.replace("s1:", "h2: {ip: 10.0.0.7/8}, s1:") + "    - [h1, s1, {delay: 1 ms}]\n    - [h2, s1]\n"
    )
    whole = load_text(text).params
    monkeypatch.setattr(chunked, "_PART", 1)
    assert load_text(text).params == whole


@pytest.mark.parametrize("look", [1, 2, 3, 5, 8, 13, 21, 34])
def test_a_look_at_the_half_of_a_file_finds_nothing_that_the_whole_does_not_have(
    monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    """The golden files: whatever stands in them, and wherever reading pauses."""
    folder = Path(__file__).parents[2] / "golden"
    files = [*folder.rglob("*.yaml"), *(Path(load.__file__).parents[1] / "examples").glob("*.yaml")]
    files = [path for path in files if is_yaml(path)]
    assert len(files) > 50
    for path in files:
        whole = outcome(path)
        with monkeypatch.context() as patch:
            patch.setattr(values, "LOOKS", (look,))
            patch.setattr(source_file, "MAX_FOUND", 1)
            part = outcome(path)
        assert part <= whole, path
        assert bool(part) == bool(whole), path


def is_yaml(path: Path) -> bool:
    """Return whether a file can be read to its end, and is no scenario or graph: else that alone is told."""
    try:
        source = load.parse(path.read_bytes(), str(path))
    except InputError:
        return False
    return not load._instead(source.data, path)


def outcome(path: Path) -> set[str]:
    """Return the problems of a file, as text."""
    try:
        load.load(path)
    except InputError as error:
        return {str(problem) for problem in error.problems}
    return set()


def test_a_scenario_of_wrong_steps_is_not_read_to_its_end(counted: list[int]) -> None:
    text = "name: x\nduration: 10 s\nsteps:\n"
    work = []
    for size in (20_000, 40_000):
        counted[0] = 0
        error = refused(text + lines(size, "  - {{action: port-flap, rat: {}}}\n"), scenario.load_text)
        work.append(counted[0])
        assert len(error.problems) <= 2 * MAX_FOUND
    assert work[0] == work[1]
    assert "did you mean `rate`" in str(error)


TREE = "name: x\ntopology: {generator: tree}\n"


@pytest.mark.parametrize(
    ("head", "rule"),
    [
        ("links:\n", "- {{match: {{between: [h{}, q]}}, loss: 1 %}}\n"),
        ("links:\n", "- {{match: {{between: [h1, h2]}}, mtu: 1{:04}}}\n"),
        ("links:\n", "- {{match: {{between: [h1, s2]}}, jitter: 1{} us}}\n"),
        ("nodes:\n", "- {{match: {{name: zz{}}}, memory: 64 MiB}}\n"),
        ("nodes:\n", "- {{match: {{tier: zz{}}}, cpu: 1}}\n"),
    ],
)
def test_rules_that_match_nothing_are_looked_for_until_there_are_enough(
    head: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = [0]
    masks = {"links:\n": "link_masks", "nodes:\n": "node_mask"}[head]
    real: Callable[..., Any] = getattr(overrides, masks)

    def counting(*arguments: Any) -> Any:
        tried[0] += 1
        return real(*arguments)

    monkeypatch.setattr(overrides, masks, counting)
    error = refused(TREE + head + lines(3 * MAX_FOUND, rule), lambda text: build(load_text(text)))
    assert (len(error.problems), tried[0]) == (MAX_FOUND, MAX_FOUND)
    assert str(error).endswith("and more problems, which weren't counted; fix these first")


@pytest.mark.parametrize("item", ["- {mtu: 9000}\n", "- {match: {kind: host}}\n", "- *a\n", "- *b\n"])
def test_a_list_of_rules_has_an_end(item: str, counted: list[int]) -> None:
    head = "name: &b x\nseed: &a 7\ntopology: {generator: tree}\nlinks:\n"
    enough = head + lines(values.MAX_ITEMS, "- {{mtu: 9000}}\n")
    assert len(load_text(enough).spec.links) == values.MAX_ITEMS
    counted[0] = 0
    more = enough + item
    (problem,) = refused(more).problems
    assert (problem.line, problem.column, problem.key) == (
        values.MAX_ITEMS + 5,
        3,
        f"links[{values.MAX_ITEMS}]",
    )
    assert problem.message == "a list here has 50,000 items at the most; write fewer"
    read = counted[0]
    refused(more + item * 100_000)
    assert counted[0] == 2 * read


LINKS = "  nodes: {h1: {}, s1: {kind: switch}}\n  links:\n"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (f"name: x\nwrong: 1\ntopology:\n{LINKS}", "f:2:1: wrong: unknown key; use one of: "),
        (f"name: x\ntopolgy:\n{LINKS}", "f:2:1: topolgy: unknown key; did you mean `topology`?"),
        (f"name: x\ntopology:\n  generator: tree\n{LINKS}", "f:4:3: topology.nodes: can't be combined with"),
        ("name:\n", "f:1:1: name: must be text, not a list"),
        ("", "f:1:1: must be a mapping (key: value), not a list"),
    ],
)
def test_what_is_wrong_at_the_top_of_a_large_file_is_told_without_its_rest(
    head: str, words: str, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "LOOKS", (500, 5_000))
    link = "    - [h1, s1]\n" if head else "- [h1, s1]\n"
    work = []
    for size in (300_000, 600_000):
        counted[0] = 0
        error = refused(head + link * size, lambda text: load_text(text, "f"))
        first, *others, last = str(error).splitlines()
        assert first.startswith(words)
        assert not others
        assert last.endswith(": from here on nothing was looked at; fix the problems above first")
        work.append(counted[0])
    assert work[0] == work[1]


def test_of_a_file_that_is_not_that_large_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "LOOKS", (500, 5_000))
    text = f"name: x\nwrong: 1\ntopology:\n{LINKS}" + "    - [h1, s1]\n" * 10_000 + "late: 1\n"
    assert [problem.key for problem in refused(text).problems] == ["wrong", "late"]


HUGE = {
    "keys": ("name: x\ntopology: {generator: tree}\n", "wrong-key-{:08d}: 1\n", "unknown key"),
    "links": (TREE + "links:\n", "- {{match: {{between: [h{}, q]}}}}\n", "at the most"),
    "nodes": (TREE + "nodes:\n", "- {{match: {{name: zz{}}}, memory: 64 MiB}}\n", "at the most"),
    "top": (f"name: x\nwrong: 1\ntopology:\n{LINKS}", "    - [h1, s1]\n", "unknown key"),
    "misspelled": (f"name: x\ntopolgy:\n{LINKS}", "    - [h1, s1]\n", "did you mean `topology`?"),
}


@pytest.mark.parametrize("kind", HUGE)
def test_fifty_mebibytes_of_wrong_things_take_seconds_and_less_than_a_gibibyte(
    tmp_path: Path, kind: str
) -> None:
    head, line, told = HUGE[kind]
    path = tmp_path / "big.yaml"
    path.write_text(head + lines(50 * 2**20 // len(line.format(1_000_000)) + 1, line))
    words = [sys.executable, "-P", "-m", "emulator", "plan", str(path)]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, code, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
    assert process.returncode == errors.InputError.exit_code
    assert said.count(told.encode()) == (MAX_SHOWN if kind == "keys" else 1)
    assert used.ru_utime + used.ru_stime < 10
    assert used.ru_maxrss < 1 << 20  # KiB
