"""Open a carrier to a cluster: by name, from the environment, or local workers."""

from __future__ import annotations

import json
import os
from pathlib import Path

from emulator.carriers.addresses import SCHEDULER_VARIABLE, Address, parse_address
from emulator.carriers.certificates import CERTIFICATES_VARIABLE, Certificates
from emulator.carriers.local.record import LocalPaths, LocalRecord, read_record
from emulator.carriers.protocol import Carrier
from emulator.errors import UnableError, UsageError


def open_carrier(
    scheduler: str | None = None,
    certificates: Path | None = None,
    *,
    insecure: bool = False,
    seconds: float = 10.0,
) -> Carrier:
    """Connect to the cluster of `scheduler`: an address, or the path of Dask's scheduler file.

    Without it, the environment names it. `certificates` is the folder with ca.pem, client.pem and client.key.
    Raises UnableError within a few times `seconds` if nothing answers, or one side refuses the other;
    UsageError if no cluster is named.
    """
    address = scheduler_address(scheduler)
    folder = certificates or _from_environment() or _of_local_workers(address)
    from emulator.carriers.dask.client import connect

    own = Certificates(folder, "client") if folder is not None and address.scheme == "tls" else None
    return connect(address, own, insecure=insecure, seconds=seconds)


def scheduler_address(scheduler: str | None) -> Address:
    """Return the address that `scheduler` or the environment gives; UsageError without any."""
    text = scheduler or os.environ.get(SCHEDULER_VARIABLE)
    local = None if text else _local_workers()
    if local is not None:
        return local.scheduler
    if not text:
        raise UsageError(
            f"no cluster: name its scheduler by --scheduler tls://HOST:8786 or {SCHEDULER_VARIABLE}, "
            f"or start workers on this machine (`emulator workers local 2`)"
        )
    if "://" not in text:
        return parse_address(_of_file(Path(text)))
    return parse_address(text)


def _of_file(path: Path) -> str:
    """Return the address in a scheduler file, which Dask and its job queues write."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["address"]
    except OSError as error:
        raise UnableError(
            f"can't read the scheduler file {path}: {error.strerror}; an address begins with tls://"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnableError(f"{path} isn't a scheduler file of Dask: it has no address") from error
    return str(found)


def _from_environment() -> Path | None:
    named = os.environ.get(CERTIFICATES_VARIABLE)
    return Path(named) if named else None


def _local_workers() -> LocalRecord | None:
    """Return the record of this machine's local workers; None if there are none, or only a part of them."""
    found = read_record(LocalPaths.here())
    return found if found is not None and found.is_complete else None


def _of_local_workers(address: Address) -> Path | None:
    """Return the folder of certificates of local workers, if `address` is that of their scheduler."""
    local = _local_workers()
    return LocalPaths.here().certificates if local is not None and local.scheduler == address else None
