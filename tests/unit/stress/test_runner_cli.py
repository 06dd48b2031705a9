"""`emulator stress` from end to end on the dry-run engine: no root, nothing in the kernel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.command import CommandLine

import stress
from emulator.cli.main import run as command_line
from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.errors import BrokenError, RefusedError
from emulator.plan import Plan
from emulator.state import names

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NET = "name: dc\nengine: dry-run\ntopology: {generator: tree, depth: 2, fanout: 4}\n"
SCENARIO = """\
name: short
seed: 3
steps:
  - {action: port-flap, target: host, rate: 50, down: 20 ms, duration: 500 ms}
limits:
  - %s
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "net.yaml").write_text(NET)
    (tmp_path / "s.yaml").write_text(SCENARIO % "errors == 0")
    return tmp_path


def test_limits_that_hold_give_0_and_a_report(files: Path, cli: CommandLine) -> None:
    whole = cli.json("stress", "s.yaml", "--up", "net.yaml", "--report", "out")
    assert whole["held"] is True
    assert json.loads((files / "out" / "report.json").read_text())["verdicts"] == whole["verdicts"]
    assert names() == []


def test_a_limit_that_breaks_gives_1(files: Path, cli: CommandLine) -> None:
    (files / "s.yaml").write_text(SCENARIO % "port-flap.latency.max <= 0 ms")
    assert "FAILED" in cli("stress", "s.yaml", "--up", "net.yaml", code=1).stdout


def test_a_limit_that_makes_no_sense_is_refused_at_its_line(files: Path, cli: CommandLine) -> None:
    (files / "s.yaml").write_text(SCENARIO % "latency is good")
    for more in ([], ["--dry-run"]):
        assert "s.yaml:6:5: limits[0]: " in cli("stress", "s.yaml", "--up", "net.yaml", *more, code=2).stderr
    assert names() == []


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            "{action: arp-storm, target: switch, rate: 10}",
            "[0].target: `s1` and 4 more without an IPv4 address",
        ),
        (
            "{action: mac-move, target: s1, rate: 10}",
            "[0].target: `s1` without an IPv4 address; aim at hosts",
        ),
        ("{action: traffic, source: s2, flows: 1}", "[0].source: `s2` without an IP address"),
        ("{action: traffic, target: switch}", "more without an IP address"),
    ],
)
def test_who_has_no_address_speaks_to_nobody(files: Path, cli: CommandLine, step: str, words: str) -> None:
    (files / "s.yaml").write_text(f"name: mute\nduration: 1 s\nsteps:\n  - {step}\n")
    said = cli("stress", "s.yaml", "--up", "net.yaml", code=2).stderr
    assert words in said
    assert "s.yaml:4:" in said
    assert names() == []


def test_the_schedule_is_printed_saved_and_replayed(files: Path, cli: CommandLine) -> None:
    first = cli("stress", "s.yaml", "--up", "net.yaml", "--dry-run", "--save-schedule", "f", code=0)
    assert len(first.stdout.splitlines()) == 50
    assert "port-flap: 50 operations" in first.stderr
    again = cli("stress", "s.yaml", "--up", "net.yaml", "--dry-run", "--replay", "f", "--seed", "9", code=0)
    assert again.stdout == first.stdout
    other = cli("stress", "s.yaml", "--up", "net.yaml", "--dry-run", "--seed", "9", code=0)
    assert other.stdout != first.stdout


def test_another_duration(files: Path, cli: CommandLine) -> None:
    found = cli.json("stress", "s.yaml", "--up", "net.yaml", "--dry-run", "--duration", "1s")
    assert found["offered"] == {"port-flap": 100}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ([], "give one scenario: `emulator stress SCENARIO.yaml --net NAME`"),
        (["s.yaml", "--recover"], "--recover takes no scenario; `--net NAME` selects the network"),
        (["s.yaml", "--up", "net.yaml", "--net", "dc"], "use it without --net"),
        (["s.yaml", "--engine", "netns"], "--engine needs --up; a running network keeps its engine"),
        (["s.yaml", "--up", "net.yaml", "--dry-run", "--duration", "5 Mbit"], "unit of rate"),
        (["compare", "a.json"], "takes two reports"),
        (["compare", "a.json", "b.json"], "a.json"),
        (["nowhere.yaml"], "no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(files: Path, cli: CommandLine, words: list[str], hint: str) -> None:
    assert hint in cli("stress", *words, code=2).stderr


def test_recover_on_a_network_that_is_whole(files: Path, cli: CommandLine) -> None:
    cli("up", "net.yaml", code=0)
    assert cli.json("stress", "--recover")["recovered"] == []
    cli("down", "dc", code=0)


def test_a_second_run_and_recover_wait_for_the_first(files: Path, cli: CommandLine) -> None:
    cli("up", "net.yaml", code=0)
    words = [sys.executable, "-m", "stress", "s.yaml", "--net", "dc", "--duration", "60s"]
    with subprocess.Popen(words, cwd=files, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "operations" in process.stderr.readline()
        for others in (["s.yaml", "--net", "dc"], ["--recover", "--net", "dc"]):
            assert (
                "another stress run is active on `dc`; wait for its end, or stop it with Ctrl-C"
                in cli("stress", *others, code=4).stderr
            )
        assert (
            "a stress run is active on `dc`; wait for its end, or stop it with Ctrl-C"
            in cli("up", "net.yaml", code=4).stderr
        )
        process.kill()
    cli("stress", "--recover", "--net", "dc", code=0)
    cli("stress", "s.yaml", "--net", "dc", code=0)
    cli("down", "dc", code=0)


def test_status_and_check_say_that_a_run_goes_on_and_that_one_was_killed(
    files: Path, cli: CommandLine, state_dir: Path
) -> None:
    cli("up", "net.yaml", code=0)
    words = [sys.executable, "-m", "stress", "s.yaml", "--net", "dc", "--duration", "60s"]
    with subprocess.Popen(words, cwd=files, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not (state_dir / "dc" / "stress.json").exists():
            assert process.poll() is None
            time.sleep(0.05)
        assert "dc: up" in (said := cli("status", code=0).stdout)
        assert "a stress run is active" in said
        assert cli.json("status")["networks"][0]["shaken"] is True
        assert "a stress run is active" in cli("check", code=0).stderr
        process.kill()
    left = "a stress run was killed before it restored the network; `emulator stress --recover --net dc` does"
    assert "dc: BROKEN" in (said := cli("status", code=1).stdout)
    assert left in said
    (found,) = cli.json("status", code=1)["networks"]
    assert (found["running"], found["problems"], found["shaken"]) == (False, [left], False)
    assert left in cli("check", code=1).stderr
    assert left in cli("stress", "s.yaml", "--net", "dc", code=4).stderr, (
        "it would take that for how things were"
    )
    cli("stress", "--recover", "--net", "dc", code=0)
    assert cli.json("status")["networks"][0]["problems"] == []
    cli("check", code=0)
    cli("down", "dc", code=0)


def test_down_takes_what_a_killed_ramp_left_down_too(files: Path, cli: CommandLine, state_dir: Path) -> None:
    text = "name: x\nsteps: [{action: ramp, hosts: 1, interval: 100 ms, duration: 60 s}]\n"
    (files / "s.yaml").write_text(text)
    cli("up", "net.yaml", code=0)
    with subprocess.Popen([sys.executable, "-m", "stress", "s.yaml", "--net", "dc"], cwd=files) as process:
        while len(names()) < 3:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    cli("down", "dc", code=0)
    assert names() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_gives_back_and_takes_down(files: Path, cli: CommandLine, number: signal.Signals) -> None:
    words = [sys.executable, "-m", "stress", "s.yaml", "--up", "net.yaml", "--duration", "60s"]
    process = subprocess.Popen(words, cwd=files, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "operations" in process.stderr.readline()
    time.sleep(0.3)
    os.kill(process.pid, number)
    assert "everything was restored" in process.stderr.read()
    assert process.wait() == 4
    process.stderr.close()
    assert names() == []


@pytest.fixture
def here(files: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run commands in this process, where things can be made to break."""
    monkeypatch.chdir(files)
    return files


@pytest.fixture
def unmade(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run commands in this process, where no network may be brought up."""
    monkeypatch.setattr(DryRunEngine, "deploy", lambda *_: pytest.fail("it is brought up"))
    return here


def test_a_run_that_breaks_off_writes_its_report_and_gives_4(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: DryRunNetwork) -> None:
        raise BrokenError("the engine is gone")

    monkeypatch.setattr(DryRunNetwork, "session", broken)
    assert command_line(["stress", "s.yaml", "--up", "net.yaml", "--report", "out"]) == 4
    assert "failed: the engine is gone; everything was restored" in capsys.readouterr().err
    found = json.loads((here / "out" / "report.json").read_text())
    assert (found["aborted"], found["held"]) == ("the engine is gone", False)
    case = ET.fromstring((here / "out" / "junit.xml").read_text()).find("testcase/error")  # noqa: S314 -- ours
    assert case is not None
    assert case.get("message") == "the engine is gone"
    assert "the engine is gone" in (here / "out" / "report.html").read_text()
    assert names() == []


STEP = "steps: [{action: port-flap, target: host, rate: 1, duration: 1 s}]\n"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (STEP.replace("host", "h99"), "s.yaml:2:29: steps[0].target.match: `h99` is no"),
        (STEP.replace("port-flap, target: host", "controller-restart"), "steps[0].action: no switch has a"),
        (STEP + "probes: [{probe: ping, source: h99}]", "s.yaml:3:24: probes[0].source.match: `h99` is no"),
        (STEP + "metrics: {ports: h99}", "s.yaml:3:11: metrics.ports.match: `h99` is no"),
        (
            STEP + "probes: [{probe: tcp, pairs: 200, interval: 1 ms, timeout: 1 h}]",
            "720,000,216 sockets",
        ),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused_before_the_network_is_brought_up(
    unmade: Path, capsys: pytest.CaptureFixture[str], text: str, hint: str
) -> None:
    (unmade / "s.yaml").write_text(f"name: x\n{text}\n")
    assert command_line(["stress", "s.yaml", "--up", "net.yaml"]) in {2, 3}
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--up", "net.yaml"], ["--net", "dc"]])
def test_links_that_an_engine_cannot_shape_are_refused_before_the_run(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    def accept(_: DryRunEngine, plan: Plan) -> None:
        delays = [plan.topology.shape(link, 0).delay for link in range(plan.topology.link_count)]
        if any(delays):
            raise RefusedError([f"{delays.count(0.005)} link: no delay here"])

    step = "{action: link-impair, target: h3, rate: 1, duration: 1 s, shape: {delay: 5 ms}}"
    (here / "s.yaml").write_text(f"name: x\nsteps: [{step}]\n")
    command_line(["up", "net.yaml"] if "--net" in options else ["status"])
    monkeypatch.setattr(DryRunEngine, "accept", accept)
    assert command_line(["stress", "s.yaml", *options]) == 3
    said = capsys.readouterr().err
    assert "a step can't shape links like this: 1 link: no delay here" in said
    assert "operations" not in said
    command_line(["down", "--all"])


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("--prometheus", "here", "`here` is not a port"),
        ("--prometheus", "192.0.2.1:9750", "can't serve at 192.0.2.1:9750: "),
        ("--report", "s.yaml", "can't write the report into s.yaml"),
        ("--replay", "net.yaml", "net.yaml:1:1: is not a schedule file"),
        ("--save-schedule", "none/f", "can't write none/f"),
    ],
)
def test_options_that_cannot_be_are_refused_before_the_network_is_brought_up(
    unmade: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, hint: str
) -> None:
    assert unmade.is_dir()
    assert command_line(["stress", "s.yaml", "--up", "net.yaml", option, value]) in {2, 3}
    assert hint in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused_before_the_run(files: Path, cli: CommandLine) -> None:
    (files / "out").write_text("a file")
    said = cli("stress", "s.yaml", "--up", "net.yaml", "--report", "out", code=2).stderr
    assert "can't write the report into out: File exists; give another folder" in said
    assert "operations" not in said


def test_a_report_that_cannot_be_written_gives_4_and_the_verdicts_all_the_same(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stress.report.require_writable", lambda _: None)
    (here / "out").write_text("a file")
    assert command_line(["stress", "s.yaml", "--up", "net.yaml", "--report", "out"]) == 4
    said = capsys.readouterr()
    assert "passed  errors == 0" in said.out
    assert "can't write the report into out: File exists" in said.err
    assert names() == []


EXAMPLES = Path(stress.__file__).parent / "examples"
FABRIC = """\
name: dc
engine: dry-run
topology: {generator: leaf-spine, spines: 2, leaves: 2, hosts_per_leaf: 2}
"""
SMALLER = {
    "warmup: 5 s": "warmup: 100 ms", "warmup: 2 s": "warmup: 100 ms", "cooldown: 5 s": "cooldown: 0 s",
    "cooldown: 3 s": "cooldown: 0 s", "cooldown: 2 s": "cooldown: 0 s", "3 s": "1 s",
    "down: 1 s, pause: 1 s": "down: 500 ms, pause: 500 ms",
    "p99 <= 50 ms": "p99 <= 10 s", "achieved >= 99 % of offered": "achieved >= 10 % of offered",
}  # fmt: skip
"""Shorter; and what others do on this machine meanwhile breaks no limit."""


VPC = """\
name: dc
engine: dry-run
topology: {generator: vpc, vpcs: 2, subnets: 2, ports: 4, hosts: 3}
"""


@pytest.mark.parametrize(
    ("name", "seconds", "broken"),
    [
        ("vpc-migration", 1, ["vpc.v1.dropped"]),  # a dry run has no counters of ports
        ("vpc-churn", 2, []),
        ("vpc-spine-failure", 4, []),
    ],
)
def test_ready_scenarios_of_light_ports_run_at_small_size(
    files: Path, cli: CommandLine, name: str, seconds: int, broken: list[str]
) -> None:
    (files / "net.yaml").write_text(VPC)
    text = (EXAMPLES / f"{name}.yaml").read_text()
    for long, short in {**SMALLER, "25 %": "60 %", "cooldown: 1 s": "cooldown: 0 s"}.items():
        text = text.replace(long, short)
    (files / "s.yaml").write_text(text)
    words = ("stress", "s.yaml", "--up", "net.yaml", "--duration", f"{seconds}s")
    whole = cli.json(*words, code=1 if broken else 0)
    failed = [verdict["figure"] for verdict in whole["verdicts"] if not verdict["held"]]
    assert [figure.rpartition(".")[0] for figure in failed] == broken
    assert sum(step["done"] for step in whole["steps"]) > 0
    assert whole["leaks"]["leaked"] == []


@pytest.mark.parametrize(
    ("name", "seconds", "code"),
    [
        ("port-churn", 1, 0), ("node-churn", 3, 0), ("rolling-restart", 4, 0), ("mininet-capacity", 1, 0),
        ("fabric-failure", 4, 1), ("soak", 1, 1),  # their flows need sockets, which a dry run doesn't have
    ],
)  # fmt: skip
def test_ready_scenarios_run_at_small_size(
    files: Path, cli: CommandLine, name: str, seconds: int, code: int
) -> None:
    (files / "net.yaml").write_text(FABRIC)
    text = (EXAMPLES / f"{name}.yaml").read_text()
    for long, short in SMALLER.items():
        text = text.replace(long, short)
    (files / "s.yaml").write_text(text)
    whole = cli.json("stress", "s.yaml", "--up", "net.yaml", "--duration", f"{seconds}s", code=code)
    broken = [verdict["limit"] for verdict in whole["verdicts"] if not verdict["held"]]
    assert all(limit.startswith("errors") for limit in broken)
    assert sum(step["done"] for step in whole["steps"]) > 0
    assert whole["leaks"]["leaked"] == []
