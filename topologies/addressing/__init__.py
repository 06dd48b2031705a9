"""Addresses, computed from indices: `FlatAddressing` of one subnet, `RoutedAddressing` of many.

Routed: `explicit` holds the addresses of the file, `pools` divides the pools for the rest, in `blocks`.
"""

from topologies.addressing.address import Address, parse_interface
from topologies.addressing.flat import FlatAddressing
from topologies.addressing.routed import RoutedAddressing

__all__ = ["Address", "FlatAddressing", "RoutedAddressing", "parse_interface"]
