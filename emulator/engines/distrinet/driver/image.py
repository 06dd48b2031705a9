"""Programs that nodes need from their image: asked for in a container, since LXD can't tell. Pure."""

from __future__ import annotations

from .worker_scripts import script

_PACKAGES = {
    "ethtool": "ethtool", "ifconfig": "net-tools", "ip": "iproute2", "ping": "iputils-ping",
    "sysctl": "procps", "tc": "iproute2", "timeout": "coreutils",
}  # fmt: skip
_OVS_PACKAGES = {"ovs-ofctl": "openvswitch-switch", "ovs-vsctl": "openvswitch-switch"}


def lacking_script(kind: str) -> str:
    """Return the script that prints the programs that a node of this kind lacks."""
    programs = [*_PACKAGES, *(_OVS_PACKAGES if kind == "ovs" else ())]
    return script(f"for p in {' '.join(programs)}; do command -v $p >/dev/null || echo $p; done")


def lacking_words(image: str, worker: str, lacking: list[str]) -> str:
    """Return what people read when an image lacks programs."""
    packages = sorted({(_PACKAGES | _OVS_PACKAGES)[program] for program in lacking})
    return (
        f"the image {image} on worker {worker} lacks {', '.join(lacking)}; "
        f"add {', '.join(packages)} to it (Debian's names)"
    )
