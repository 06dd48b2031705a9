"""The `gateway:`, `routes:` and `sysctl:` of a node as file attributes.

Addresses, `destination=gateway` and `name=value`, each separated by spaces. Values of sysctls have no spaces
here: those that have are left out.
"""

from __future__ import annotations

from typing import Any

from topologies.formats.graph import Attributes
from topologies.services import Setup


def route_attributes(setup: Setup) -> dict[str, str]:
    """Return the file attributes of the routes and sysctls in `setup`."""
    out = {}
    if setup.gateway:
        out["gateway"] = " ".join(setup.gateway)
    if setup.routes:
        out["routes"] = " ".join("=".join(pair) for pair in setup.routes)
    if plain := ["=".join(pair) for pair in setup.sysctl if not set(pair[1]) & set(" ,\t\n")]:
        out["sysctl"] = " ".join(plain)
    return out


def route_keys(attributes: Attributes) -> dict[str, Any]:
    """Return the keys of a topology file for these attributes."""
    keys: dict[str, Any] = {}
    if attributes.get("gateway") is not None:
        keys["gateway"] = str(attributes["gateway"]).replace(",", " ").split()
    for key in ("routes", "sysctl"):
        if attributes.get(key) is not None:
            pairs = (word.partition("=") for word in str(attributes[key]).replace(",", " ").split())
            keys[key] = {name: value for name, _, value in pairs}
    return keys
