"""Errors of the stand-in for Pyro4, with the real one's names and parents."""

from __future__ import annotations


class PyroError(Exception):
    """Any error of Pyro's."""


class CommunicationError(PyroError):
    """No connection."""


class ConnectionClosedError(CommunicationError):
    """The other side has ended."""


class TimeoutError(CommunicationError):  # noqa: A001 -- Pyro's name
    """No answer in time."""


class ProtocolError(CommunicationError):
    """Another password."""


class NamingError(PyroError):
    """No such name, or no name server."""


class DaemonError(PyroError):
    """No such object."""
