"""Laboratories of the stand-ins for programs that create nodes on workers, by engine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from engines_real import maxinet_laboratory

from emulator.engines.cluster import connection
from support import distrinet_workers, namespace_cluster

WORKERS = 2

Laboratory = Callable[[Path], AbstractContextManager[dict[str, str]]]


@contextmanager
def _distrinet(folder: Path) -> Iterator[dict[str, str]]:
    (folder / "key").write_text("private")
    (folder / "key.pub").write_text("ssh-ed25519 AAAA")
    places = folder / "workers"
    places.mkdir()
    with distrinet_workers.workers(places, WORKERS) as found:
        named = ",".join(f"w{number}={address}" for number, address in enumerate(found.addresses, 1))
        yield {
            "STAND_IN": str(places),
            "EMULATOR_DISTRINET_PYTHON": sys.executable,
            "EMULATOR_DISTRINET_HOME": str(distrinet_workers.HOME),
            "EMULATOR_DISTRINET_KEY": str(folder / "key"),
            "EMULATOR_DISTRINET_ADMIN": "172.30.0.1/16",  # some files use 192.168.0.0/16
            "EMULATOR_DISTRINET_WORKERS": named,
        }


@contextmanager
def _maxinet(folder: Path) -> Iterator[dict[str, str]]:
    python = maxinet_laboratory.stand_in_python(folder / "venv")
    home = str(maxinet_laboratory.STAND_IN / "home")
    names = [f"w{number}" for number in range(1, WORKERS + 1)]
    with maxinet_laboratory.laboratory(python, home, folder / "lab", names) as lab:
        yield lab.environment


@contextmanager
def _cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Workers of the engine cluster: no stand-in, but machines that are namespaces."""
    del folder
    with namespace_cluster.machines_of_test(WORKERS) as carrier:
        connection._open[namespace_cluster.SCHEDULER, ""] = carrier
        try:
            yield {"EMULATOR_CLUSTER_SCHEDULER": namespace_cluster.SCHEDULER}
        finally:
            del connection._open[namespace_cluster.SCHEDULER, ""]


LABORATORIES: dict[str, Laboratory] = {"cluster": _cluster, "distrinet": _distrinet, "maxinet": _maxinet}
"""Engine -> context of two workers in a folder; it yields the environment that names them."""
