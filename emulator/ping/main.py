"""Send echo requests, print replies, exit like iputils' ping: 0 answered, 1 not (all), 2 can't."""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import sys
import time

from emulator.icmp import echo_request, protocol
from emulator.ping.options import Options, PingError, parse
from emulator.ping.packets import Heard, heard, listen
from emulator.ping.tally import TIMED, Tally, reply_line

_BROADCAST = "Do you want to ping broadcast? Then -b. If not, check your local firewall rules"


class Pinger:
    """One run of ping."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.version, self.address = _resolved(options)
        self.by_name = not options.numeric and not _is_address(options.host)
        self.tally = Tally(timed=options.size >= TIMED)
        self._ident = int.from_bytes(os.urandom(2))
        self._payload = bytes(at & 0xFF for at in range(options.size))
        self._stop = False

    def run(self) -> int:
        """Send and receive until done; return the exit code."""
        _reach(self.version, self.address)
        family, number = protocol(self.version)
        try:
            sock = socket.socket(family, socket.SOCK_RAW, number)
        except OSError as error:
            raise PingError(f"socket: {error.strerror}") from error
        with sock:
            listen(sock, self.version)
            signal.signal(signal.SIGINT, self._interrupt)
            self._say(self._head())
            self._converse(sock)
        self._say(*self.tally.lines(self.options.host))
        wanted = self.options.count if self.options.deadline is not None else None
        return 0 if self.tally.received and self.tally.received >= (wanted or 0) else 1

    def _interrupt(self, *_: object) -> None:
        self._stop = True

    def _say(self, *lines: str) -> None:
        print(*lines, sep="\n", flush=True)  # noqa: T201 -- a program of its own

    def _head(self) -> str:
        host, size = self.options.host, self.options.size
        if self.version == 4:
            return f"PING {host} ({self.address}) {size}({size + 28}) bytes of data."
        inner = f"{host} ({self.address})" if self.by_name else self.address
        return f"PING {host}({inner}) {size} data bytes"

    def _converse(self, sock: socket.socket) -> None:
        began = due = time.monotonic()
        deadline = self.options.deadline
        while not self._stop and not self._answered():
            now = time.monotonic()
            if now >= due and not self._all_sent():
                self._ask(sock)
                due = max(due + self.options.interval, now)
            end = self.tally.last + self._patience() if self._all_sent() else math.inf
            if deadline is not None:
                end = min(end, began + deadline)
            if now >= end:
                return
            waking = end if self._all_sent() else min(end, due)
            if select.select([sock], [], [], max(0.0, waking - time.monotonic()))[0]:
                self._hear(sock)

    def _all_sent(self) -> bool:
        """Return whether all requests are sent; with a deadline, sending lasts until enough replies came."""
        count = self.options.count
        return count is not None and self.options.deadline is None and self.tally.transmitted >= count

    def _answered(self) -> bool:
        count = self.options.count
        return count is not None and self.tally.received + self.tally.errors * self._all_sent() >= count

    def _patience(self) -> float:
        """Return the time to wait after the last request: twice the slowest reply, as iputils."""
        if self.tally.received:
            return max(2 * self.tally.most, self.options.interval)
        return self.options.timeout

    def _ask(self, sock: socket.socket) -> None:
        seq = (self.tally.transmitted + 1) & 0xFFFF
        self.tally.ask(seq, time.monotonic())
        try:
            sock.sendto(echo_request(self.version, self._ident, seq, self._payload), (self.address, 0))
        except OSError as error:
            self.tally.errors += 1
            print(f"ping: sendmsg: {error.strerror}", file=sys.stderr, flush=True)  # noqa: T201

    def _hear(self, sock: socket.socket) -> None:
        packet, extra, _flags, source = sock.recvmsg(self.options.size + 256, 256)
        found = heard(self.version, packet, extra, self._ident)
        if found is None:
            return
        if found.trouble:
            self.tally.errors += 1
            if not self.options.quiet:
                self._say(f"From {self._name(source[0])} icmp_seq={found.seq} {found.trouble}")
            return
        self._take(found, source[0])

    def _take(self, found: Heard, source: str) -> None:
        answer = self.tally.answer(found.seq, time.monotonic())
        if answer is None or self.options.quiet:
            return
        took, again = answer
        timed = took if self.tally.timed else None
        line = reply_line(found.size, self._name(source), found.seq, found.ttl, timed)
        self._say(line + (" (DUP!)" if again else ""))

    def _name(self, address: str) -> str:
        """Return an address as replies show it: with its name if the host was given by name."""
        if not self.by_name:
            return address
        try:
            name = socket.getnameinfo((address, 0), socket.NI_NAMEREQD)[0]
        except OSError:
            return address
        return f"{name} ({address})"


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False


def _resolved(options: Options) -> tuple[int, str]:
    """Return (IP version, address) of the host; PingError with the resolver's words if it has none."""
    family = {4: socket.AF_INET, 6: socket.AF_INET6}.get(options.version, socket.AF_UNSPEC)
    try:
        found = socket.getaddrinfo(options.host, None, family, socket.SOCK_RAW)
    except (OSError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or "Name or service not known"
        raise PingError(f"{options.host}: {words}") from error
    family, _, _, _, address = found[0]
    return 4 if family == socket.AF_INET else 6, str(address[0])


def _reach(version: int, address: str) -> None:
    """Raise PingError if there is no route: a datagram socket reports that at once."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 1025))
        except PermissionError as error:
            raise PingError(_BROADCAST) from error
        except OSError as error:
            raise PingError(f"connect: {error.strerror}") from error


def main() -> None:
    """Run ping with this process's arguments."""
    try:
        code = Pinger(parse(sys.argv[1:])).run()
    except PingError as error:
        print(f"ping: {error.words}", file=sys.stderr)  # noqa: T201
        code = error.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
