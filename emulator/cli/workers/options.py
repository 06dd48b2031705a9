"""Options of the commands about workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from emulator.cli.options import seconds

if TYPE_CHECKING:
    from emulator.carriers.addresses import Address
    from emulator.carriers.certificates import Certificates
    from emulator.carriers.dask.start import Listening

FC = TypeVar("FC", bound=Callable[..., Any])


def scheduler_option(function: FC) -> FC:
    """Add the option --scheduler."""
    return click.option(
        "--scheduler", metavar="ADDRESS", envvar="EMULATOR_CLUSTER_SCHEDULER",
        help="Scheduler: tls://HOST:PORT, or its scheduler file [EMULATOR_CLUSTER_SCHEDULER].",
    )(function)  # fmt: skip


def certificates_option(role: str) -> Callable[[FC], FC]:
    """Return the option --certificates, for a folder with the files of `role`."""
    return click.option(
        "--certificates", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
        envvar="EMULATOR_CLUSTER_CERTIFICATES",
        help=f"Folder with ca.pem, {role}.pem and {role}.key [EMULATOR_CLUSTER_CERTIFICATES].",
    )  # fmt: skip


def insecure_option(function: FC) -> FC:
    """Add the option --insecure."""
    return click.option(
        "--insecure", is_flag=True, help="Allow addresses without TLS that others may reach."
    )(function)


def silence_option(function: FC) -> FC:
    """Add the option --silence."""
    return click.option(
        "--silence", default="30", show_default=True, callback=seconds(11.0, 3600.0), metavar="SECONDS",
        help="Time without a sign of life after which a connection is lost.",
    )(function)  # fmt: skip


def listening(
    address: Address, certificates: Path | None, role: str, *, insecure: bool, silence: float
) -> Listening:
    """Return what a scheduler or worker needs to listen."""
    from emulator.carriers.certificates import Certificates
    from emulator.carriers.dask.start import Listening

    own: Certificates | None = Certificates(certificates, role) if certificates else None
    return Listening(address, own, insecure=insecure, silence=silence)
