"""The networks that a ramp brings up beside the one that runs have as many hosts as it says."""

from __future__ import annotations

import pytest
from support.topologies import made

from emulator.engines.dry_run import DryRunEngine
from emulator.interface.growth import Growth
from emulator.plan import make_plan


@pytest.mark.usefixtures("state_dir")
@pytest.mark.parametrize("hosts", [1, 31, 32, 33, 64, 100, 255, 256, 257, 1021])
def test_a_network_has_exactly_the_hosts_that_were_asked_for(hosts: int) -> None:
    plan = make_plan(made({"generator": "single", "hosts": 2}), "dry-run")
    network = DryRunEngine().deploy(plan)
    grown = Growth(network).grow("grown", hosts)
    topology = grown.topology
    assert len(topology.hosts) == hosts
    assert (topology.name, max(topology.degrees) <= 32 + hosts // 32) == ("grown", True)
    addresses = {grown.addresses(host)[0] for host in topology.hosts.tolist()}
    assert len(addresses) == hosts
    grown.down()
