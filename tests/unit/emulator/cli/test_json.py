"""Output of every verb: answers on standard output, objects with --json, of errors too, documented keys."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from emulator.cli.main import emulator, run

PAGE = (Path(__file__).parents[4] / "docs" / "json-output.md").read_text(encoding="utf-8")
KEYS = {word for span in re.findall(r"`([^`\n]+)`", PAGE) for word in re.findall(r"\w+", span)}
FILE = """
name: net
engine: dry-run
topology: {generator: tree, depth: 2, fanout: 2}
"""
SCENARIO = """
name: short
duration: 300 ms
steps: [{action: port-flap, target: host, rate: 10, duration: 200 ms}]
"""

ANSWERS = [
    "status", "status net", "status net h1", "check", "check net", "link", "link s1 s2 show",
    "link s1 s2 down", "link s1 s2 up", "exec h* -- true", "inspect", "inspect net h1", "plan net.yaml",
    "plan net.yaml --show", "plan --topo vpc,2 --engine dry-run", "export net.yaml --to dot",
    "examples", "doctor net.yaml", "stress compare a b", "stress compare a b --fail-over 10%",
    "schema", "schema --scenario",
    "stress s.yaml --net net --dry-run", "stress --recover --net net", "workers certs c",
]  # fmt: skip
"""Commands that answer on a dry-run network; `up` and `down` around them answer too."""

ELSEWHERE = {
    "shell": "interactive", "capture": "needs a kernel", "migrate": "needs light ports in a kernel",
    "graph": "its answer is a file", "completion": "tried in shells",
    "up": "run by every test", "down": "run by every test",
    "workers local": "needs root", "workers status": "needs workers", "workers check": "needs SSH",
    "workers start": "needs SSH", "workers stop": "needs SSH", "workers scheduler": "runs for ever",
    "workers worker": "runs for ever",
}  # fmt: skip
NO_JSON = {"shell", "completion", "workers scheduler", "workers worker"}

OF_DATA = {"nodes", "fidelity", "kinds", "offered", "left_out", "schema", "details", "light_ports", "figures"}
"""Keys of maps whose own keys are names and kinds."""


def verbs(group: click.Group = emulator, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name, those of groups with the group's before."""
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from verbs(found, f"{before}{name} ")
        else:
            yield before + name, found


VERBS = dict(verbs())


@pytest.fixture
def network(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Path]:
    """A network of the dry-run engine, its file and a scenario in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(FILE)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    assert run(["up", "net.yaml"]) == 0
    capfd.readouterr()
    yield tmp_path
    assert run(["down", "net"]) == 0


@pytest.fixture
def reports(network: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """The same folder with two reports."""
    assert run(["stress", "s.yaml", "--net", "net", "--report", "a"]) == 0
    shutil.copytree("a", "b")
    capfd.readouterr()
    return network


def keys_of(value: Any) -> Iterator[str]:
    """Yield the keys of an answer that aren't data themselves."""
    if isinstance(value, list):
        for one in value:
            yield from keys_of(one)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in OF_DATA or isinstance(inner, list):
                yield from keys_of(inner)


def with_json(words: list[str]) -> list[str]:
    """Return a command line with --json before its arguments, where no command of a node sees it."""
    at = 2 if words[0] == "workers" else 1
    return [*words[:at], "--json", *words[at:]]


def test_every_verb_is_tried_or_it_is_said_why_not() -> None:
    tried = {name for name in VERBS for line in ANSWERS if f"{line} ".startswith(f"{name} ")}
    assert tried.isdisjoint(ELSEWHERE)
    assert tried | ELSEWHERE.keys() | NO_JSON == VERBS.keys() | NO_JSON


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_json_and_examples(name: str) -> None:
    options = {word for option in VERBS[name].params for word in option.opts}
    assert ("--json" in options) == (name not in NO_JSON)
    assert f"emulator {name}" in (VERBS[name].epilog or "")


def test_answers_are_on_standard_output(reports: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for line in ANSWERS:
        assert run(line.split()) in {0, 3}, line
        captured = capfd.readouterr()
        assert captured.out, line
        assert "Traceback" not in captured.err, line
    assert run(["up", "net.yaml"]) == 0
    captured = capfd.readouterr()
    assert ("net is up: 4 hosts" in captured.out, captured.err) == (True, "")


def test_json_is_one_object_of_documented_keys(reports: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for line in (*ANSWERS, "up net.yaml", "graph net.yaml -o n.svg", "exec h1 -- true"):
        words = line.split()
        assert run(with_json(words)) in {0, 3}, words
        (said,) = capfd.readouterr().out.splitlines()
        found = json.loads(said)
        assert isinstance(found, dict), words
        assert set(keys_of(found)) <= KEYS, (words, set(keys_of(found)) - KEYS)
        assert "net" not in names_of(found), f"{words}: the key of a network is `network`"


def names_of(value: Any) -> set[str]:
    """Return the values of all keys `name`."""
    if isinstance(value, list):
        return set().union(*(names_of(one) for one in value))
    if not isinstance(value, dict):
        return set()
    own = {value["name"]} if isinstance(value.get("name"), str) else set()
    return own.union(*(names_of(one) for one in value.values()))


WRONG = {
    "exec": "exec --json nobody -- true", "inspect": "inspect --json absent",
    "shell": "", "check": "check --json absent",
    "status": "status --json absent", "down": "down --json",
    "schema": "schema --json -o /nowhere/at/all", "doctor": "doctor --json absent.yaml",
    "capture": "capture --json nobody -o x", "examples": "examples --json absent",
    "link": "link --json s1 s2 set --delay 3parsec", "migrate": "migrate --json nobody h1",
    "stress": "stress --json absent.yaml", "graph": "graph --json absent.yaml -o x.svg",
    "export": "export --json absent.yaml --to dot", "plan": "plan --json absent.yaml",
    "up": "up --json absent.yaml", "workers local": "workers local --json",
    "workers certs": "workers certs --json /proc/none", "workers check": "workers check --json absent",
    "workers start": "workers start --json absent", "workers stop": "workers stop --json absent",
    "workers status": "workers status --json --scheduler nonsense",
}  # fmt: skip


@pytest.mark.parametrize("usage", [False, True], ids=["wrong-value", "unknown-option"])
def test_errors_are_objects(network: Path, usage: bool, capfd: pytest.CaptureFixture[str]) -> None:
    assert WRONG.keys() >= VERBS.keys() - NO_JSON
    for name in VERBS.keys() - NO_JSON:
        words = [*name.split(), "--json", "--no-such-option"] if usage else WRONG[name].split()
        code = run(words)
        captured = capfd.readouterr()
        (line,) = captured.out.splitlines()
        error = json.loads(line)["error"]
        assert (error["code"], code != 0) == (code, True), words
        assert error["message"], words
        assert captured.err, words
        assert error.keys() | (error["place"] or {}).keys() <= KEYS
        place = error["place"]
        assert place["file"] in words if place else "absent.yaml" not in words or usage, words


def test_the_place_of_an_error_is_that_in_the_file(network: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (network / "bad.yaml").write_text("name: x\ntopology: {generator: tre}\nlinkz: 3\n")
    assert run(["up", "bad.yaml", "--json"]) == 2
    error = json.loads(capfd.readouterr().out)["error"]
    assert error["place"] == {"file": "bad.yaml", "line": 2, "column": 12, "key": "topology.generator"}
    assert [one["place"]["line"] for one in error["problems"]] == [2, 3]


def test_the_command_of_exec_keeps_its_json(network: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["exec", "h[1]", "ip", "--json"]) == 0
    assert capfd.readouterr().out == "h1: dry-run: would run ip --json\n"


def test_every_verb_about_a_running_network_takes_net(
    network: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two networks are up: each verb says that one must be named, or takes --net."""
    (network / "other.yaml").write_text(FILE.replace("net", "other", 1))
    assert run(["up", "other.yaml"]) == 0
    for words in ("status", "inspect", "check", "link", "link list", "link s1 s2 show", "exec h* -- true"):
        verb, *others = words.split()
        assert run([verb, "--net", "other", *others]) == 0, words
    for verb in ("status", "inspect", "check"):
        assert run([verb, "other"]) == 0, verb
    assert run(["status", "--net", "other", "h1"]) == 0
    assert run(["inspect", "--net", "other", "h1"]) == 0
    capfd.readouterr()
    for words in ("inspect", "check", "link", "exec h1 -- true", "shell"):
        assert run(words.split()) == 2, words
        assert "several networks are up" in capfd.readouterr().err
    assert run(["check", "net", "--net", "other"]) == 2
    assert "two networks" in capfd.readouterr().err
    (network / "other.yaml").write_text(FILE.replace("net", "other", 1).replace("depth: 2", "depth: x"))
    assert run(["down", "other.yaml"]) == 0
    assert capfd.readouterr().out == "other is down\n"


@pytest.mark.parametrize(
    ("option", "ours"), [("--rate", "--bandwidth"), ("--bw", "--bandwidth"), ("--latency", "--delay")]
)
def test_options_have_the_hints_of_keys_in_files(
    option: str, ours: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["link", "s1", "s2", "set", option, "3"]) == 2
    assert f"No such option '{option}'; did you mean `{ours}`?" in capfd.readouterr().err
