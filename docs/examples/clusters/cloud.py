"""User data (cloud-init) for machines of a cloud that become workers when they start for the first time.

python cloud.py --scheduler tls://10.0.0.1:8786 --certificates certificates --release 0.1.0 > worker.yaml

Whoever can read a machine's user data has the worker's key, and is root on all workers: use it where only you
can read it, and make new certificates when the machines are gone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

_FILES = "/etc/topology-emulator/worker"
_HOME = "/opt/topology-emulator/venv"
_UNIT = """\
[Unit]
Description=Topology emulator, worker of a cluster
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart={home}/bin/python -P -m emulator workers worker --scheduler {scheduler} --certificates {files}
Restart=always
RestartSec=1
KillMode=process
OOMPolicy=continue
LimitNOFILE=1048576
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""
"""Networks outlive it and are kept by mounts: no PrivateTmp, ProtectSystem, ProtectHome or PrivateMounts."""


def user_data(scheduler: str, certificates: Path, package: str) -> str:
    """Return the user data: packages, the emulator in an environment, certificates, and the worker's unit."""
    secrets = [
        {
            "path": f"{_FILES}/{name}", "owner": "root:root", "permissions": "0600",
            "content": (certificates / name).read_text(),
        }
        for name in ("ca.pem", "worker.pem", "worker.key")
    ]  # fmt: skip
    unit = _UNIT.format(home=_HOME, scheduler=scheduler, files=_FILES)
    document = {
        "package_update": True,
        "packages": ["iproute2", "iputils-ping", "kmod", "python3-venv", "tcpdump"],
        "write_files": [
            *secrets,
            {"path": "/etc/systemd/system/topology-emulator-worker.service", "content": unit},
        ],
        "runcmd": [
            ["chmod", "0700", "/etc/topology-emulator", _FILES],
            ["python3", "-m", "venv", _HOME],
            [f"{_HOME}/bin/pip", "install", package],
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "topology-emulator-worker.service"],
        ],
    }
    return "#cloud-config\n" + yaml.safe_dump(document, sort_keys=False, width=1000)


def main() -> None:
    """Print the user data."""
    parser = argparse.ArgumentParser(description="user data of workers in a cloud")
    parser.add_argument("--scheduler", required=True, metavar="tls://HOST:PORT")
    parser.add_argument("--certificates", required=True, type=Path)
    parser.add_argument("--release", help="release of the emulator in the index of pip")
    parser.add_argument("--wheel", help="or the address of a wheel, https://…/topology_emulator-….whl")
    given = parser.parse_args()
    if bool(given.release) == bool(given.wheel):
        parser.error("give --release or --wheel")
    name = "topology-emulator[cluster]"
    package = f"{name} @ {given.wheel}" if given.wheel else f"{name}=={given.release}"
    print(user_data(given.scheduler, given.certificates, package), end="")


if __name__ == "__main__":
    main()
