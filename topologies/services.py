"""Settings of a node beyond the graph: services, environment, sysctls, routes.

They are part of a node's profile, so equal ones are stored once however many nodes have them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

Pairs = tuple[tuple[str, str], ...]

RESTARTS = ("never", "on-failure", "always")
"""What happens when a service ends by itself: nothing, a new start unless it succeeded, a new start."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Sign that a service is ready; without any it is as soon as its program runs.

    `port`: TCP port on which it listens; `output`: text in a line that it prints; `command`: program that
    ends with exit code 0 in the node; `notify`: it says READY=1 itself (sd_notify(3)). `within` in seconds.
    """

    port: int | None = None
    output: str | None = None
    command: tuple[str, ...] = ()
    notify: bool = False
    within: float = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """Command that runs in a node from `up` to `down`, or once (`once`) when the node is made.

    `user` is root, or empty for the user who called sudo.
    """

    name: str
    command: tuple[str, ...]
    once: bool = False
    restart: str = "on-failure"
    ready: Ready = Ready()
    user: str = ""


@dataclass(frozen=True, slots=True)
class Vlan:
    """Sub-interface of the port `port` for frames with the VLAN tag `id`; addresses with prefix lengths."""

    name: str
    id: int
    port: int = 0
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """Services in the order of their start, and environment and sysctls as (name, value), by name.

    `gateway` are the gateways of default routes, one for each IP version, `routes` (destination, gateway).
    `files` are (path, content), `private` directories; only the node's own commands see them.
    """

    run: tuple[Service, ...] = ()
    environment: Pairs = ()
    sysctl: Pairs = ()
    gateway: tuple[str, ...] = ()
    routes: Pairs = ()
    files: Pairs = ()
    private: tuple[str, ...] = ()
    vlans: tuple[Vlan, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the file that are set."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

    def with_keys(
        self,
        *,
        run: dict[str, Service | None] | None = None,
        environment: dict[str, str | None] | None = None,
        sysctl: dict[str, str | None] | None = None,
        routes: dict[str, str | None] | None = None,
        gateway: tuple[str, ...] | None = None,
        files: dict[str, str | None] | None = None,
        private: tuple[str, ...] | None = None,
        vlans: dict[str, Vlan | None] | None = None,
    ) -> Setup:
        """Return this setup with entries added or replaced by name; None takes an entry away."""
        services = {service.name: service for service in self.run} | (run or {})
        tagged = {vlan.name: vlan for vlan in self.vlans} | (vlans or {})
        return Setup(
            tuple(service for service in services.values() if service is not None),
            _merged(self.environment, environment),
            _merged(self.sysctl, sysctl),
            self.gateway if gateway is None else gateway,
            _merged(self.routes, routes),
            _merged(self.files, files),
            self.private if private is None else private,
            tuple(tagged[name] for name in sorted(tagged) if tagged[name] is not None),  # type: ignore[misc]
        )


def _merged(old: Pairs, new: dict[str, str | None] | None) -> Pairs:
    if not new:
        return old
    values = dict(old) | new
    return tuple(sorted((name, value) for name, value in values.items() if value is not None))
