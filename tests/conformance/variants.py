"""The engines and kinds of switch that must behave alike, and what each needs to run here."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Variant:
    """An engine with a kind of switch. `real` ones run packets, a dry run doesn't."""

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

    def missing(self) -> str:
        """Return what this machine lacks to run it, or nothing."""
        if self.real and os.geteuid() != 0:
            return "needs root: run the tests under sudo"
        programs = [
            *(["ovs-vswitchd"] if self.switch == "ovs" else []),
            *(["mnexec"] if self.engine == "mininet" else []),
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
)

FILES = sorted((Path(__file__).parent / "files").glob("*.yaml"))
EXPECTED = Path(__file__).parent / "expected.json"
