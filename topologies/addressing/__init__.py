"""Addresses, computed from indices: `FlatAddressing` of one subnet, `RoutedAddressing` of many.

Routed: `explicit` holds the addresses of the file, `pools` divides the pools for the rest, in `blocks`.
`AddressColumns` holds the addresses of many nodes at once.
"""

from topologies.addressing.address import Address, parse_interface
from topologies.addressing.columns import AddressColumns
from topologies.addressing.flat import FlatAddressing
from topologies.addressing.routed import RoutedAddressing

__all__ = ["Address", "AddressColumns", "FlatAddressing", "RoutedAddressing", "parse_interface"]
