"""A machine of the tests: a namespace in which commands are typed, with a network to another one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.dask_cluster import until
from support.wired_namespaces import HeldNamespace, wired

_FORWARDING = (
    "grep -H . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/{forwarding,accept_redirects}"
)


@dataclass
class Machine:
    """The machine: a namespace in which commands are typed."""

    held: HeldNamespace
    folder: Path

    def words(self, *words: str) -> list[str]:
        return [*self.held.entered, sys.executable, "-P", "-m", "emulator", *words]

    def run(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            self.words(*words), cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def file(self, text: str, name: str = "net.yaml") -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def output(self, *words: str) -> str:
        return subprocess.run([*self.held.entered, *words], capture_output=True, text=True, check=True).stdout

    def state(self) -> dict[str, Any]:
        """Return what a network must leave as it was; times and handles that nobody set are left out."""
        links = json.loads(self.output("ip", "-j", "-d", "addr"))
        for link in links:
            for address in link["addr_info"]:
                for key in ("valid_life_time", "preferred_life_time"):
                    address.pop(key, None)
        return {
            "links": links,
            "routes": json.loads(self.output("ip", "-j", "route", "show", "table", "all")),
            "rules": json.loads(self.output("nft", "-j", "list", "ruleset"))["nftables"][1:],
            "forwarding": self.output("bash", "-c", _FORWARDING),
        }


@contextmanager
def stand_in(folder: Path) -> Iterator[tuple[Machine, HeldNamespace]]:
    """Yield a machine, 198.51.100.1, and what is on its network, 198.51.100.2."""
    with wired(2, "198.51.100.{}/24", "eth0") as (held, other):
        machine = Machine(held, folder)
        until(lambda: "tentative" not in machine.output("ip", "addr"), 10)
        yield machine, other
