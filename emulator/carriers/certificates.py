"""Certificates of a cluster: a folder with those of a CA, and checks of their dates.

A cluster has a CA of its own. Each machine needs `ca.pem` and the certificate and key of what it does:
`scheduler`, `worker` or `client`. Whoever has one of these keys can run anything on the workers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from emulator.errors import UnableError

if TYPE_CHECKING:
    from cryptography import x509

CERTIFICATES_VARIABLE = "EMULATOR_CLUSTER_CERTIFICATES"
"""Variable of the environment with a client's folder of certificates."""

ROLES = ("scheduler", "worker", "client")
AUTHORITY = "ca"

RENEW = "`emulator workers certs DIR` makes new ones"


@dataclass(frozen=True)
class Certificate:
    """One certificate; its times are in seconds since 1970."""

    path: Path
    begin: float
    end: float

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read one; UnableError if it can't be read."""
        found = _loaded(path)
        return cls(path, found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp())

    def require_valid(self) -> None:
        """Raise UnableError if it has expired, or isn't valid yet."""
        now = time.time()
        if now >= self.end:
            raise UnableError(f"the certificate {self.path} expired on {day(self.end)}; {RENEW}")
        if now < self.begin:
            raise UnableError(
                f"the certificate {self.path} is not valid before {day(self.begin)}; "
                f"is the clock of this machine right? It is {day(now)} here"
            )


@dataclass(frozen=True)
class Certificates:
    """The certificates of one folder, as one role uses them."""

    folder: Path
    role: str

    @property
    def authority(self) -> Path:
        """The certificate of the CA."""
        return self.folder / f"{AUTHORITY}.pem"

    @property
    def certificate(self) -> Path:
        """The role's own certificate."""
        return self.folder / f"{self.role}.pem"

    @property
    def key(self) -> Path:
        """The key of the role's certificate."""
        return self.folder / f"{self.role}.key"

    def require_usable(self) -> None:
        """Raise UnableError with the first reason why they can't be used: missing, dates, another CA."""
        for path in (self.authority, self.certificate, self.key):
            try:
                path.read_bytes()
            except OSError as error:
                raise UnableError(
                    f"can't read {path}: {error.strerror}; the folder of certificates needs {AUTHORITY}.pem, "
                    f"{self.role}.pem and {self.role}.key ({RENEW})"
                ) from error
        for path in (self.authority, self.certificate):
            Certificate.read(path).require_valid()
        try:
            _loaded(self.certificate).verify_directly_issued_by(_loaded(self.authority))
        except Exception as error:  # the library has several, and InvalidSignature has no words
            raise UnableError(
                f"the certificate {self.certificate} isn't by the CA of {self.authority}; {RENEW}"
            ) from error


def day(seconds: float) -> str:
    """Return a time for people, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _loaded(path: Path) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise UnableError(f"can't read the certificate {path}: {error.strerror}") from error
    except ValueError as error:
        raise UnableError(f"{path} isn't a certificate in PEM form: {error}; {RENEW}") from error
