"""Make the certificates of a cluster: a CA, and one certificate each for scheduler, workers and clients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.carriers.certificates import AUTHORITY, ROLES
from emulator.errors import UnableError, UsageError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import ObjectIdentifier

_EARLIER = timedelta(minutes=5)
"""Validity begins earlier: clocks of machines differ."""


@dataclass(frozen=True)
class _Issued:
    certificate: x509.Certificate
    key: EllipticCurvePrivateKey


def make_certificates(folder: Path, days: float) -> list[Path]:
    """Write a CA and the certificates of all roles to `folder` (0700; keys 0600); return the files.

    Nothing is overwritten: UsageError if a file exists, UnableError if the folder can't be written to.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    names = [AUTHORITY, *ROLES]
    for path in (folder / f"{name}.{kind}" for name in names for kind in ("pem", "key")):
        if path.exists():
            raise UsageError(
                f"{path} exists already, and the certificates of running workers depend on it; "
                f"choose another folder, or move this one"
            )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        made: list[Path] = []
        for name, issued in _issued(days).items():
            pem = issued.certificate.public_bytes(Encoding.PEM)
            key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            for kind, text, mode in (("key", key, 0o600), ("pem", pem, 0o644)):
                made.append(folder / f"{name}.{kind}")
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                with os.fdopen(os.open(made[-1], flags, mode), "wb") as file:
                    file.write(text)
    except OSError as error:
        raise UnableError(f"can't write certificates to {folder}: {error.strerror}") from error
    return made


def _issued(days: float) -> Mapping[str, _Issued]:
    """Return the CA and the certificate of each role.

    Dask accepts any certificate of the CA in any role, except that a client's can't serve: a scheduler and
    workers serve, and also connect to each other.
    """
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    authority = _issue(AUTHORITY, days, None, ())
    usages: dict[str, tuple[ObjectIdentifier, ...]] = dict.fromkeys(
        ROLES, (Usage.SERVER_AUTH, Usage.CLIENT_AUTH)
    )
    usages["client"] = (Usage.CLIENT_AUTH,)
    return {AUTHORITY: authority, **{role: _issue(role, days, authority, usages[role]) for role in ROLES}}


def _issue(name: str, days: float, issuer: _Issued | None, usages: tuple[ObjectIdentifier, ...]) -> _Issued:
    """Return a certificate signed by `issuer`, or by itself: then it is a CA's."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "topology-emulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    signer = issuer.key if issuer else key
    now = datetime.now(UTC)
    is_authority = issuer is None
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(is_authority, 0 if is_authority else None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority, **usage
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return _Issued(builder.sign(signer, hashes.SHA256()), key)
