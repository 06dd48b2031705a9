"""Frames as a light port sees them: cut out of what its compute host's device carries.

Formats: RFC 894 (Ethernet), RFC 791 (IPv4), RFC 7348 (VXLAN).
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.tunnels import VXLAN_PORT

_ETHERNET, _IPV4, _UDP, _VXLAN = 14, 20, 8, 8
_OUTER = _ETHERNET + _IPV4 + _UDP + _VXLAN
_VXLAN_PORT = VXLAN_PORT.to_bytes(2)
_TYPE_IPV4, _TYPE_ARP = b"\x08\x00", b"\x08\x06"
_PROTOCOL_UDP = 17


@dataclass(frozen=True)
class PortView:
    """Selects the frames of the port with `address` (4 bytes) in the VPC with the identifier `vni`."""

    vni: int
    address: bytes

    def __call__(self, frame: bytes) -> bytes | None:
        """Return the frame as the port sends or receives it; None if it belongs to others."""
        inner = self._unpacked(frame)
        return inner if inner is not None and self._is_own(inner) else None

    def _unpacked(self, frame: bytes) -> bytes | None:
        """Return the frame inside VXLAN; a frame without VXLAN itself, None for another VPC's."""
        outer = frame[_ETHERNET:]
        is_vxlan = (
            frame[12:14] == _TYPE_IPV4 and len(frame) > _OUTER and outer[0] == 0x45
            and outer[9] == _PROTOCOL_UDP and outer[22:24] == _VXLAN_PORT
        )  # fmt: skip
        if not is_vxlan:
            return frame
        vni = int.from_bytes(frame[_OUTER - 4 : _OUTER - 1])
        return frame[_OUTER:] if vni == self.vni else None

    def _is_own(self, frame: bytes) -> bool:
        if frame[12:14] == _TYPE_IPV4:
            return self.address in {frame[26:30], frame[30:34]}
        return frame[12:14] == _TYPE_ARP and self.address in {frame[28:32], frame[38:42]}
