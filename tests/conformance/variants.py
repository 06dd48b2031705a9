"""The engines and kinds of switch that must behave alike, and what each needs to run here."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from support.stand_ins import LABORATORIES

from topologies.engines import ENGINES


@dataclass(frozen=True)
class Variant:
    """An engine with a kind of switch. `real` ones run packets, a dry run doesn't.

    Engines on workers run over a stand-in for their program (`support.stand_ins`): it makes real namespaces.
    """

    engine: str
    switch: str

    @property
    def name(self) -> str:
        """What a test is called by."""
        return f"{self.engine}-{self.switch}"

    @property
    def real(self) -> bool:
        """Whether there are nodes to look into."""
        return self.engine != "dry-run"

    @property
    def abilities(self) -> frozenset[str]:
        """What sessions can do to a running network of this engine."""
        return ENGINES[self.engine].abilities

    @property
    def stands_in(self) -> bool:
        """Whether its nodes are on workers of the test's: of a stand-in, or namespaces that are machines."""
        return ENGINES[self.engine].on_workers

    def missing(self) -> str:
        """Return what this machine lacks to run it, or nothing."""
        if self.real and os.geteuid() != 0:
            return "needs root: run the tests under sudo"
        programs = [
            *(["ovs-vswitchd"] if self.switch == "ovs" or self.engine == "maxinet" else []),
            *(["mnexec"] if self.engine in {"mininet", "maxinet"} else []),
            *(["brctl"] if self.engine == "mininet" and self.switch == "bridge" else []),
        ]
        path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
        lacking = [program for program in programs if shutil.which(program, path=path) is None]
        return f"this machine has no {', '.join(lacking)}" if lacking and self.real else ""


VARIANTS = (
    Variant("dry-run", "bridge"),
    Variant("netns", "bridge"),
    Variant("netns", "ovs"),
    Variant("mininet", "bridge"),
    Variant("mininet", "ovs"),
    *(Variant(engine, "bridge") for engine in LABORATORIES),
)

REFUSED = {
    ("distrinet", "pair"): "between hosts",
    ("maxinet", "pair"): "between hosts",
    ("maxinet", "bcube"): "tunnels join switches only",
    ("maxinet", "lonely-host"): "without a link",
    ("maxinet", "parallel-links"): "one tunnel for two switches",
    ("maxinet", "routed-leaf-spine"): "tunnels join switches only",
    ("maxinet", "routed-two-lans"): "tunnels join switches only",
    ("distrinet", "compose"): "LXD's names are letters, digits",  # east.s1
    ("distrinet", "long-names"): "names of bridges end at 15 characters",
}
"""Files that an engine refuses on two workers, with words of its reason: the known differences."""

ON_STAND_INS = {
    "bcube", "compose", "ipv6", "lonely-host", "pair", "parallel-links", "ring", "routed-two-lans",
    "small-mtu",
}  # fmt: skip
"""Files that always run over stand-ins, at some 10 s each; CONFORMANCE_ALL=1 runs the others there too."""
ON_CLUSTER = {
    "addresses-given",
    "bcube",
    "ipv6",
    "pair",
    "parallel-links",
    "routed-two-lans",
}
"""Files that always run on a cluster of two machines, at some 2 s each; CONFORMANCE_ALL=1 runs all."""

REFUSED_ANYWHERE = {
    ("distrinet", "pair"),
    ("maxinet", "pair"),
    ("distrinet", "compose"),
    ("distrinet", "long-names"),
}
"""Those that it refuses on one worker too."""

MEASURED = {"shaped", "dumbbell"}
"""Files whose rates are measured: nothing runs beside them."""
FILES = sorted((Path(__file__).parent / "files").glob("*.yaml"))
EXPECTED = Path(__file__).parent / "expected.json"
