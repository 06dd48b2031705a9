"""A toy program with the steps of engines on workers: its nodes exist in the driver's memory only."""

from __future__ import annotations

from pathlib import Path

from emulator.engines.driven.launch import Recipe
from emulator.engines.remote.engine import RemoteEngine
from emulator.engines.remote.program import RemoteProgram

MAIN = """
from serving.server import Program, serve
from .steps import Steps

class Toy(Program):
    title = "toy"
    beside = frozenset({"execute"})
    abandonable = frozenset({"open", "create", "add"})

def main(descriptor):
    serve(descriptor, lambda: Toy(Steps()))
"""
STEPS = r"""
import base64, json, os, shutil, subprocess, time
from serving.server import StepError

LEFT = os.environ["TOY_LEFT"]

def encoded(text):
    return base64.b64encode(text.encode()).decode()

def shown(name, port):
    infos = [dict(zip(("local", "prefixlen"), text.split("/"))) for text in port["addresses"]]
    flags = ["UP"] * port["up"]
    return {"ifname": name, "flags": flags, "address": port["mac"], "mtu": port["mtu"], "addr_info": infos}

class Steps:
    def __init__(self):
        self.nodes, self.known, self.out, self.calls, self.lines = {}, {}, set(), [], {}
        self.sysctls = {}

    def open(self, tell, settings):
        if settings.get("refuse"):
            raise StepError("no worker is free; free one")
        return {"version": "1", "workers": settings["workers"], "datapath": "user"}

    def create(self, tell, document):
        workers = [worker["name"] for worker in document["workers"]]
        for done, node in enumerate(document["nodes"], 1):
            self.nodes[node["name"]] = workers[node["worker"]]
            self._keep()
            tell("nodes", done, len(document["nodes"]))
            time.sleep(float(os.environ.get("TOY_SECONDS_A_NODE", 0)))
        for link in document["links"]:
            for end in link["ends"]:
                port = {"node": end["node"], "up": True, "mac": "02:00:00:00:00:00", "addresses": []}
                self.known[end["name"]] = {**port, "mtu": link["mtu"]}
        if os.environ.get("TOY_FAILS"):
            raise StepError("the toy fell over")
        if os.environ.get("TOY_MOVES"):
            self.nodes = dict.fromkeys(self.nodes, workers[0])
        return {"nodes": self.nodes}

    def add(self, progress, document):
        if os.path.exists(os.environ.get("TOY_REFUSES_ADDITIONS", "")):
            raise StepError("no addition today")
        return self.create(progress, document)

    def _keep(self):
        with open(LEFT, "w") as file:
            json.dump(sorted(self.nodes), file)

    def info(self, tell):
        return {"version": "1", "pid": os.getpid(), "nodes": self.nodes, "interfaces": list(self.known)}

    def execute(self, tell, commands):
        return [self._run(tell, **command) for command in commands]

    def _run(self, tell, node, argv, timeout=None, input=""):
        if node not in self.nodes:
            return [1, "", encoded(f"{node} is not there\n")]
        if argv[0] == "ip":
            found = [shown(name, port) for name, port in self.known.items() if port["node"] == node]
            return [0, encoded(json.dumps(found)), ""]
        if argv == ["sh", "-c", "command -v tcpdump"]:
            return [1 if os.environ.get("TOY_NO_TCPDUMP") else 0, "", ""]
        if argv[:2] == ["sh", "-c"] and argv[3:]:
            if argv[2].startswith("command -v"):
                return [0 if shutil.which(argv[4]) else 127, "", ""]
            targets = [] if os.environ.get("TOY_LOST") else argv[5:]
            return [0, encoded("".join(f"{target} 0.5/0.5/0.5/0.0 ms\n" for target in targets)), ""]
        if argv[0] == "sysctl":  # its nodes have no kernel: the machine's would change
            self.sysctls.setdefault(node, []).extend(argv[2:])
            return [0, "", ""]
        if not shutil.which(argv[0]):
            return [127, "", encoded(f"env: {argv[0]}: No such file or directory\n")]
        done = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with tell.when_gone(done.terminate):
            out, errors = done.communicate(timeout=timeout)
        return [done.returncode, encoded(out.decode()), encoded(errors.decode())]

    def batches(self, tell, lines, harmless=False):
        self.calls.append(["batches", lines])
        for node, some in lines.items():
            self.lines.setdefault(node, []).extend(some)
            for line in some:
                words = line.split()
                if words[:3] == ["link", "set", "dev"] and words[3] not in self.known:
                    continue  # a router's bridge
                if words[:3] == ["link", "set", "dev"] and words[4] == "address":
                    self.known[words[3]]["mac"] = words[5]
                if words[:3] == ["link", "set", "dev"] and words[4] == "mtu":
                    self.known[words[3]]["mtu"] = int(words[5])
                if words[:2] == ["addr", "replace"] and words[4] in self.known:
                    self.known[words[4]]["addresses"].append(words[2])

    def ports(self, tell, ends, up):
        for end in ends:
            self.known[end["name"]]["up"] = up

    def terminal(self, tell, node, argv, tty):
        if argv[0] == "tcpdump":
            said = "printf pcap; exec >&2; echo 3 packets captured; echo 1 packet dropped by kernel"
            argv = ["sh", "-c", said]
        return {"argv": ["env", "--", *argv]}

    def shape(self, tell, ends):
        self.calls.append(["shape", ends])

    def leave(self, tell, ends):
        self.out |= {end["name"] for end in ends}

    def join(self, tell, ends):
        self.out -= {end["name"] for end in ends}

    def flows(self, tell, protocol, lines):
        self.calls.append(["flows", sorted(lines)])

    def stop(self, tell):
        if os.environ.get("TOY_NO_STOP"):
            raise StepError("the toy can't stop")
        self.nodes, self.known = {}, {}
        self._keep()

    def clean(self, tell, settings, document):
        if os.environ.get("TOY_STUCK"):
            return ["worker w1 doesn't answer; start it"]
        with open(LEFT) as file:
            left = set(json.load(file)) - {node["name"] for node in document["nodes"]}
        with open(LEFT, "w") as file:
            json.dump(sorted(left), file)
        return []

    def look(self, tell):
        made = {"ports": self.known, "lines": self.lines, "sysctls": self.sysctls}
        return {"out": sorted(self.out), "calls": self.calls, **made}
"""


def toy_engine(folder: Path, environment: dict[str, str]) -> type[RemoteEngine]:
    """Return the engine `distrinet` with the toy as its program; its driver's files are in `folder`."""
    driver = folder / "toy"
    driver.mkdir()
    (driver / "__init__.py").touch()
    (driver / "main.py").write_text(MAIN)
    (driver / "steps.py").write_text(STEPS)

    class ToyEngine(RemoteEngine):
        name = "distrinet"
        program = RemoteProgram(
            title="toy",
            recipe=lambda options, _: Recipe(str(options["python"]), driver, environment),
            settings=lambda plan: {
                "workers": [worker.name for worker in plan.workers],
                "refuse": plan.options.get("user") == "nobody",
            },
            refusals=lambda _: [],
            preflight=lambda _: [],
            unshapable=lambda shapes: ["no jitter" for shape in shapes if shape.jitter],
            tunnels_fix="the toy is broken",
            seconds=10.0,
        )

    return ToyEngine
