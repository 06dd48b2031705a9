"""TLS of a cluster: contexts for Dask, and a first connection that finds out why one is refused.

Dask tries again until its timeout, and doesn't say what the other side found wrong. So the first connection
is one of Python's own: its handshake tells which certificate is missing, unknown, expired or not yet valid.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from emulator.carriers.addresses import Address, connected
from emulator.carriers.certificates import Certificates
from emulator.errors import UnableError

_EXPIRED = 10
_NOT_YET_VALID = 9
_UNKNOWN = frozenset({18, 19, 20, 21})
"""X509_V_ERR_* of openssl/x509_vfy.h."""

_ALERTS = {
    "CERTIFICATE_REQUIRED": "it demands a certificate, and got none",
    "HANDSHAKE_FAILURE": "it demands a certificate, and got none",
    "UNKNOWN_CA": "our certificate is by another CA than its own",
    "CERTIFICATE_EXPIRED": "our certificate has expired by its clock",
    "BAD_CERTIFICATE": "our certificate is not valid yet by its clock, or damaged",
}
"""Reasons of ssl.SSLError that the other side's alerts give, by their ends."""


def security(certificates: Certificates | None) -> Any:
    """Return Dask's `Security`; None for connections without TLS."""
    from distributed.security import Security

    if certificates is None:
        return Security(require_encryption=False)
    own = {
        f"tls_{certificates.role}_{kind}": str(path)
        for kind, path in (("cert", certificates.certificate), ("key", certificates.key))
    }
    return Security(require_encryption=True, tls_ca_file=str(certificates.authority), **own)


def require_accepted(address: Address, certificates: Certificates | None, seconds: float) -> None:
    """Connect once; UnableError with the reason if nothing answers or one side refuses the other.

    A scheduler speaks first, after the handshake: its words prove that it accepted our certificate.
    """
    with connected(address, seconds) as plain:
        plain.settimeout(seconds)
        try:
            if certificates is None:
                _read(plain)
            else:
                with _context(certificates).wrap_socket(plain) as connection:
                    _read(connection)
        except ssl.SSLCertVerificationError as error:
            raise UnableError(f"the scheduler {address} is not trusted: {_distrust(error)}") from error
        except ssl.SSLError as error:
            raise UnableError(f"the scheduler {address} refuses us: {_refusal(error)}") from error
        except TimeoutError as error:
            raise UnableError(
                f"{address} is silent for {seconds:g} s: it isn't a scheduler, or speaks "
                f"{'without' if certificates else 'with'} TLS"
            ) from error
        except OSError as error:
            raise UnableError(
                f"{address} closes the connection: it isn't a scheduler, or speaks "
                f"{'without' if certificates else 'with'} TLS"
            ) from error


def _read(connection: socket.socket) -> None:
    if not connection.recv(1):
        raise ConnectionResetError


def _context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(certificates.authority))
    context.check_hostname = False  # as Dask: a certificate is for a role, not for a host
    context.load_cert_chain(certificates.certificate, certificates.key)
    return context


def _distrust(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "its certificate has expired; make new ones there (`emulator workers certs DIR`)"
    if error.verify_code == _NOT_YET_VALID:
        return "its certificate is not valid yet; is the clock of this machine right?"
    if error.verify_code in _UNKNOWN:
        return "its certificate is by another CA than ours; use the certificates of its cluster"
    return error.verify_message


def _refusal(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    for end, words in _ALERTS.items():
        if reason.endswith(end):
            return words
    if "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER" in reason:
        return "it doesn't speak TLS; its address begins with tcp://"
    return reason.replace("_", " ").lower() or str(error)
