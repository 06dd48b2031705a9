"""The node-at-a-time deployment over SSH that clusters are compared with, on the same two local workers.

    sudo python benchmarks/ssh_baseline.py [--fanout 12] [--repeat 1]

`emulator workers local 2` must run. Both sides make the same network, a tree of switches and hosts that are
namespaces, placed alike: links between the workers are VXLAN tunnels. Ours is the whole command, `emulator
up` and `down`. The baseline has its plan already: one connection a worker by paramiko, and for each node one
command of `ip` words, without a shell's rc files. The workers are served at once, and the next node's command
is sent when the last one has ended. Sides take turns. A ping from the first host to the last one says that
the baseline's network works. With fanout 45 it is measured at 2,071 nodes; below 2,000 the last column is
what 2,000 would take at the baseline's time a node, and is computed, not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import paramiko
from machine import raised
from ssh_commands import PREFIX, Commands

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator.carriers.local.record import LocalPaths, LocalRecord, read_record
from emulator.carriers.local.underlay import inside
from emulator.engines.limits import global_needs
from emulator.engines.planning import planned
from emulator.engines.registry import engine_named
from emulator.plan import Plan
from topologies.build import build
from topologies.spec.load import load_text

PORT = 2222
EXTRAPOLATED, BASELINE = 2_000, "SSH, node at a time"
_FILE = "name: sshtree\nengine: cluster\ntopology: {{generator: tree, depth: 2, fanout: {}}}\n"
_CONFIG = """\
Port {port}
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
SetEnv SHLVL=9
"""
"""bash reads rc files only if it isn't below another one."""


def make_plan(fanout: int) -> Plan:
    """Return the plan of the tree, on the local workers."""
    document = load_text(_FILE.format(fanout))
    return planned(document, build(document), engine_named("cluster"))


@contextmanager
def servers(record: LocalRecord, folder: Path) -> Iterator[dict[str, paramiko.SSHClient]]:
    """Start sshd in each worker's namespace; yield a connection to each."""
    for name in ("host", "user"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    with ExitStack() as stack:
        clients = {}
        for number, worker in enumerate(record.workers, 1):
            address, config = record.host(number), folder / f"{worker}.conf"
            config.write_text(_CONFIG.format(port=PORT, address=address, folder=folder), encoding="ascii")
            with inside(LocalPaths.here(), worker):
                server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(config)])
            stack.callback(_ended, server)
            clients[worker] = stack.enter_context(_connected(address, folder))
        yield clients


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


def _connected(address: str, folder: Path) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    kind, key = (folder / "host.pub").read_text(encoding="ascii").split()[:2]
    (folder / "known").write_text(f"[{address}]:{PORT} {kind} {key}\n", encoding="ascii")
    client.load_host_keys(str(folder / "known"))
    for _ in range(50):
        try:
            client.connect(address, PORT, "root", key_filename=str(folder / "user"), allow_agent=False)
        except (OSError, paramiko.SSHException):
            time.sleep(0.1)
        else:
            return client
    raise SystemExit(f"no sshd answers at {address}")


def run_all(client: paramiko.SSHClient, commands: list[str]) -> None:
    """Run commands one after the other; SystemExit when one fails."""
    for command in commands:
        _, output, errors = client.exec_command(command, timeout=60)
        code = output.channel.recv_exit_status()
        if code:
            raise SystemExit(f"{command}\n{errors.read().decode()}")


def at_once(clients: dict[str, paramiko.SSHClient], commands: dict[str, list[str]]) -> float:
    """Run each worker's commands, all workers at once; return the seconds."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as pool:
        for future in [pool.submit(run_all, clients[name], commands[name]) for name in clients]:
            future.result()
    return time.perf_counter() - began


def ping(plan: Plan) -> None:
    """Ping the last host from the first one; CalledProcessError without an answer."""
    names, hosts = plan.topology.names, plan.topology.hosts
    last = next(iter(plan.forwarding.addresses(int(hosts[-1])))).text
    words = ["ip", "netns", "exec", f"{PREFIX}{names[int(hosts[0])]}", "ping", "-q", "-c1", "-W5", last]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def baseline(plan: Plan, clients: dict[str, paramiko.SSHClient]) -> tuple[float, float]:
    """Make the network over SSH, ping, and remove it; return both times in seconds.

    Sysctls are those that `up` sets: with the kernel's, a broadcast to 1,000 hosts doesn't reach the last.
    """
    made = Commands(plan)
    up = {worker.name: made.of_worker(number) for number, worker in enumerate(plan.workers)}
    names = plan.topology.names
    down: dict[str, list[str]] = {worker.name: [] for worker in plan.workers}
    for node, worker in enumerate(plan.placement.tolist()):
        down[plan.workers[worker].name].append(f"ip netns delete {PREFIX}{names[node]}")
    try:
        with raised(global_needs(plan)):
            took = at_once(clients, up)
            ping(plan)
    finally:
        there = {path.name for path in Path("/run/netns").glob(f"{PREFIX}*")}
        down = {name: [one for one in some if one.split()[-1] in there] for name, some in down.items()}
        gone = at_once(clients, down)
    return took, gone


def ours(file: Path) -> tuple[float, float]:
    """Bring the same network up and down by the command; return both times in seconds."""
    times = []
    for words in (["up", str(file)], ["down", "sshtree"]):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "emulator", *words], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return times[0], times[1]


def rows(nodes: int, workers: int, samples: dict[str, list[tuple[float, float]]]) -> list[str]:
    """Return the lines of a Markdown table: medians, time a node, and that of the baseline extrapolated."""
    head = f"{nodes:,} nodes, {workers} workers | up | a node | down | {EXTRAPOLATED:,} nodes, extrapolated"
    lines = [f"| {head} |", "|---|---|---|---|---|"]
    for side, found in samples.items():
        up, down = (statistics.median(column) for column in zip(*found, strict=True))
        # ours isn't in proportion to nodes: most of a small network's time is the command itself
        more = f"{up / nodes * EXTRAPOLATED:.0f} s" if side == BASELINE and nodes < EXTRAPOLATED else "-"
        lines.append(f"| {side} | {up:.2f} s | {1e3 * up / nodes:.1f} ms | {down:.2f} s | {more} |")
    return lines


def main() -> None:
    """Measure in turns; print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fanout", type=int, default=12, help="hosts: its square")
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    record = read_record(LocalPaths.here())
    if record is None:
        raise SystemExit("start workers first: emulator workers local 2")
    plan = make_plan(given.fanout)
    samples: dict[str, list[tuple[float, float]]] = {"emulator": [], BASELINE: []}
    with tempfile.TemporaryDirectory(dir="/run") as folder, servers(record, Path(folder)) as clients:
        file = Path(folder) / "sshtree.yaml"
        file.write_text(_FILE.format(given.fanout), encoding="ascii")
        sides: list[Callable[[], tuple[float, float]]] = [lambda: ours(file), lambda: baseline(plan, clients)]
        for _ in range(given.repeat):
            for found, side in zip(samples.values(), sides, strict=True):
                found.append(side())
    print("\n".join(rows(plan.topology.node_count, len(plan.workers), samples)))
    print(json.dumps({"load": os.getloadavg()[0], "samples": samples}, indent=2))


if __name__ == "__main__":
    main()
