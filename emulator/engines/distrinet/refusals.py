"""Reasons why Distrinet can't carry out a plan, found without a worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Interface, NetmaskValueError, ip_address
from pathlib import Path

from emulator.engines.distrinet.settings import ADMIN, USER, image, settings
from emulator.engines.driven.node_lines import is_switch, program_name
from emulator.engines.refusals import crowded_bridges
from emulator.errors import EmulationError
from emulator.plan import Plan
from topologies.counting import counted_by_name

ADMIN_INTERFACE = "admin"
_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")


def refusals(plan: Plan) -> list[str]:
    """Return every reason why Distrinet can't carry `plan` out, each with the fix."""
    return [*_names(plan), *_options(plan), *_master(plan), *_admin(plan), *crowded_bridges(plan)]


def _names(plan: Plan) -> Iterator[str]:
    """Yield names that LXD refuses: each node is a container of its name."""
    names = plan.topology.names
    every = range(plan.topology.node_count)
    if lined := [name for name in names if "_" in name]:
        yield f"{counted_by_name(lined, 'node')}: LXD's containers have no `_` in their names; rename them"
    if odd := [name for name in names if "_" not in name and not _NAME.fullmatch(name)]:
        yield (
            f"{counted_by_name(odd, 'node')}: LXD's names are letters, digits and `-` (no `.`), "
            f"begin with a letter and don't end with `-`; rename them"
        )
    switches = [node for node in every if is_switch(plan, node)]
    if long := [names[node] for node in switches if program_name(plan, node) != names[node]]:
        yield f"{counted_by_name(long, 'switch')}: names of bridges end at 15 characters; shorten them"
    if [names[node] for node in switches if names[node] == ADMIN_INTERFACE]:
        yield f"switch {ADMIN_INTERFACE}: Distrinet's own interface in a container has this name; rename it"


def _options(plan: Plan) -> Iterator[str]:
    """Yield options that Distrinet would wait for, or fail on, without a word."""
    options = plan.options
    user = options.get("user") or USER
    if user != "root":
        yield f"user {user}: Distrinet needs root on workers and in containers; leave `user:` out"
    key = options.get("key")
    if not key:
        yield (
            "Distrinet needs an SSH key for workers and containers: write `key: ~/.ssh/id_ed25519` "
            "under `engine:`, or set EMULATOR_DISTRINET_KEY"
        )
        return
    for path in (key, f"{key}.pub"):
        try:
            Path(path).read_bytes()
        except OSError as error:
            fix = f"`ssh-keygen -y -f {key} > {key}.pub`" if path != key else "correct `key:`"
            yield f"the key {path} can't be read ({error.strerror}); {fix}"
    if not _IMAGE.fullmatch(image(options)):
        yield f"image `{image(options)}` is no name of an LXD image; `lxc image list` on a worker has them"


def _master(plan: Plan) -> Iterator[str]:
    """Yield a master that is no worker: nothing would be recorded there, nor removed."""
    options = plan.options
    try:
        found = settings(plan)
    except EmulationError:  # an address that can't be found: the preflight says so
        return
    if options.get("master") and found["master"] not in {worker["address"] for worker in found["workers"]}:
        names = ", ".join(worker.name for worker in plan.workers)
        yield f"master {options['master']} is none of the workers ({names}); name one, or leave it out"


def _admin(plan: Plan) -> Iterator[str]:
    """Yield what is wrong with the network of the containers' administration."""
    text = plan.options.get("admin") or ADMIN
    try:
        admin = IPv4Interface(text)
    except (AddressValueError, NetmaskValueError, ValueError):
        yield f"admin `{text}` is no IPv4 address with a length; write for example {ADMIN}"
        return
    network = admin.network
    need = plan.topology.node_count + 1
    if int(network.broadcast_address) - int(admin.ip) < need:
        yield f"admin {text} has no room for {need:,} addresses; give a larger network, such as {ADMIN}"
    inside = [
        plan.topology.names[node]
        for node in range(plan.topology.node_count)
        for address in plan.forwarding.addresses(node)
        if address.version == 4 and ip_address(address.text) in network
    ]
    if inside:
        yield (
            f"{counted_by_name(inside, 'node')} with an address in {network}, the network of Distrinet's "
            f"administration; give another one by `admin:`"
        )
