"""What commands on running networks leave alone: they read no file, and importing its models takes 0.1 s."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "emulator.engines.netns", "emulator.engines.cluster", "emulator.state", "emulator.agent.lifecycle",
        "emulator.interface.finding", "emulator.cli.execute", "emulator.cli.down", "emulator.cli.check",
        "emulator.cli.status",
    ],
)  # fmt: skip
def test_what_works_on_running_networks_imports_no_models_of_files(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'pydantic', 'yaml'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_plan_imports_only_what_its_file_needs(tmp_path: Path) -> None:
    """Each module here was once imported by every command, for a case that few files have."""
    file = tmp_path / "net.yaml"
    file.write_text("name: n\ntopology: {generator: tree, depth: 2, fanout: 2}\n", encoding="utf-8")
    rare = (
        "asyncio", "cryptography", "dask", "networkx", "paramiko", "psutil", "pymetis", "ssl", "stress",
        "topologies.formats", "emulator.interface",
    )  # fmt: skip
    code = (
        "import sys; from emulator.cli.main import run; code = run(['plan', sys.argv[1]]); "
        f"print([n for n in sys.modules if n in {rare} or n.startswith(tuple(r + '.' for r in {rare}))]); "
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
