"""The ledger of global sysctls, when its file is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.linux.sysctl_ledger import SysctlLedger

NAME = "net.ipv4.neigh.default.gc_thresh3"


@pytest.mark.parametrize(
    "text", ["", "{x", "[1]", "null", f'{{"{NAME}": 3}}', f'{{"{NAME}": {{"needs": 1}}}}']
)
def test_a_damaged_ledger_stops_nobody(text: str, tmp_path: Path) -> None:
    (tmp_path / "sysctls.json").write_text(text)
    ledger = SysctlLedger(tmp_path)
    assert ledger.networks() == set()
    ledger.release("dc")
    assert list(tmp_path.iterdir()) == []
