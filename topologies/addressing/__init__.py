"""Addresses, computed from indices: `FlatAddressing` of one subnet, `RoutedAddressing` of many.

Routed: `given` holds what the file gives by hand, `pools` says where the rest is cut, in `blocks`.
"""

from topologies.addressing.address import Address, parse_interface
from topologies.addressing.flat import FlatAddressing
from topologies.addressing.routed import RoutedAddressing

__all__ = ["Address", "FlatAddressing", "RoutedAddressing", "parse_interface"]
