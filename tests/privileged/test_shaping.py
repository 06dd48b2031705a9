"""Rates are what the file asks for, each direction on its own, and live changes take effect."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from support import throughput
from support.command import CommandLine

from emulator.linux.machine.features import has_qdisc

pytestmark = [pytest.mark.privileged, pytest.mark.e2e, pytest.mark.alone]

SCRIPT = throughput.__file__
TCP, UDP = 1448 / 1514, 1472 / 1514
"""The share of a frame that is payload."""
AT_EASE = 15e9
"""What a machine carries without shaping when it has time enough for 5 Gbit/s."""

PAIR = """\
name: pair
topology:
  nodes: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}
  links: [[h1, h2, {forward: {bandwidth: FORWARD}, backward: {bandwidth: BACKWARD}}]]
addressing: {ipv4: 10.0.0.0/24}
"""


def start(tmp_path: Path, cli: CommandLine, forward: str, backward: str) -> None:
    (tmp_path / "pair.yaml").write_text(PAIR.replace("FORWARD", forward).replace("BACKWARD", backward))
    cli("up", "pair.yaml", code=0)


def rate(cli: CommandLine, source: str, sink: str, protocol: str, seconds: float = 1.0) -> float:
    """Return the payload's bits per second from one node to the other."""
    words = [sys.executable, "-m", "emulator", "exec", sink, "--"]
    receiver = subprocess.Popen(
        [*words, sys.executable, SCRIPT, "receive", protocol, str(seconds)],
        cwd=cli.folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    cli("exec", source, "--", sys.executable, SCRIPT, "send", protocol, f"10.0.0.{sink[1:]}", "20", code=0)
    output, _ = receiver.communicate(timeout=20)
    return float(output)


def holds(cli: CommandLine, source: str, sink: str, bits: float) -> bool:
    """Return whether a link carries `bits` per second of frames, within 5 %.

    More is never carried; less may be on a busy machine, so that a rate is measured up to three times.
    Slow links are measured by UDP: TCP hands over what waited for a lost packet all at once.
    """
    protocol = "tcp" if bits >= 1e9 else "udp"
    wanted = bits * (TCP if protocol == "tcp" else UDP)
    for _ in range(3):
        found = rate(cli, source, sink, protocol)
        assert found <= wanted * 1.05
        if found >= wanted * 0.95:
            return True
    return False


@pytest.mark.parametrize(
    ("forward", "bits", "backward", "bits_back"),
    [("10 Mbit", 10e6, "100 Mbit", 100e6), ("20 Mbit", 20e6, "1 Gbit", 1e9)],
)
def test_each_direction_has_its_own_rate(
    tmp_path: Path, cli: CommandLine, *, forward: str, bits: float, backward: str, bits_back: float
) -> None:
    start(tmp_path, cli, forward, backward)
    assert holds(cli, "h1", "h2", bits)
    assert holds(cli, "h2", "h1", bits_back)
    cli("down", "pair", code=0)


def test_five_gigabits(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, "5 Gbit", "1 Gbit")
    held = holds(cli, "h1", "h2", 5e9)
    cli("link", "h1", "h2", "set", "--bandwidth", "none", code=0)
    unshaped = 0.0 if held else max(rate(cli, "h1", "h2", "tcp") for _ in range(3))
    cli("down", "pair", code=0)
    if unshaped and unshaped < AT_EASE:
        pytest.skip(f"busy: even an unshaped link carries {unshaped / 1e9:.1f} Gbit/s only")
    assert held


def test_a_running_link_is_reshaped_and_put_back(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, "20 Mbit", "1 Gbit")
    cli("link", "h2", "h1", "set", "--bandwidth", "50Mbit", "--direction", "backward", code=0)
    assert holds(cli, "h1", "h2", 50e6)
    cli("link", "h1", "h2", "set", "--bandwidth", "none", code=0)
    assert rate(cli, "h1", "h2", "tcp") > 1.5e9
    cli("link", "h1", "h2", "set", "--reset", code=0)
    assert holds(cli, "h1", "h2", 20e6)
    cli("down", "pair", code=0)


def test_a_rate_outlives_down_and_up_of_the_link(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, "20 Mbit", "20 Mbit")
    cli("link", "h1", "h2", "down", code=0)
    cli("link", "h1", "h2", "up", code=0)
    assert holds(cli, "h1", "h2", 20e6)
    cli("down", "pair", code=0)


@pytest.mark.skipif(has_qdisc("netem") is not False, reason="this kernel has netem")
def test_without_netem_a_file_that_needs_it_is_refused(
    tmp_path: Path, cli: CommandLine, state_dir: Path
) -> None:
    start(tmp_path, cli, "20 Mbit", "20 Mbit")
    live = cli("link", "h1", "h2", "set", "--delay", "5ms", code=3)
    assert "delay" in live.stderr
    assert "netem" in live.stderr
    assert cli.json("link", "h1", "h2", "show")["as_file"] is True
    cli("down", "pair", code=0)
    (tmp_path / "slow.yaml").write_text(
        "name: slow\ntopology: {generator: linear, k: 2, hosts_per_switch: 1}\nlinks: [{delay: 5 ms}]\n"
    )
    refused = cli("up", "slow.yaml", code=3).stderr
    assert "3 links (" in refused
    assert "sch_netem" in refused
    assert not state_dir.exists()


@pytest.mark.skipif(has_qdisc("netem") is not True, reason="this kernel has no netem")
def test_delay_and_loss_are_felt(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, "20 Mbit", "20 Mbit")
    cli("link", "h1", "h2", "set", "--delay", "20ms", code=0)
    said = cli("exec", "h1", "--", "ping", "-c5", "-i0.1", "10.0.0.2", code=0).stdout
    times = [float(part.split(" ")[0]) for part in said.split("time=")[1:]]
    assert len(times) == 5
    assert min(times) >= 40
    assert statistics.median(times) < 60  # the first takes twice as long: ARP asks before it
    cli("link", "h1", "h2", "set", "--reset", "--loss", "100%", code=0)
    assert "100% packet loss" in cli("exec", "h1", "--", "ping", "-c2", "-W1", "10.0.0.2", code=1).stdout
    cli("down", "pair", code=0)


@pytest.mark.skipif(has_qdisc("netem") is not True, reason="this kernel has no netem")
def test_corruption_ends_while_the_delay_stays(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, "20 Mbit", "20 Mbit")
    cli("link", "h1", "h2", "set", "--delay", "5ms", "--corrupt", "100%", code=0)
    ping = ("exec", "h1", "--", "ping", "-c3", "-i0.1", "-W1", "10.0.0.2")
    assert "100% packet loss" in cli(*ping, code=1).stdout
    cli("link", "h1", "h2", "set", "--corrupt", "none", code=0)
    assert " 0% packet loss" in cli(*ping, code=0).stdout
    cli("down", "pair", code=0)
