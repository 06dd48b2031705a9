from __future__ import annotations

import signal
import threading

from emulator.signals import handled


def test_signals_are_handled_for_a_while_and_then_as_before() -> None:
    outer: list[int] = []
    inner: list[int] = []
    with handled((signal.SIGUSR1,), outer.append):
        with handled((signal.SIGUSR1, signal.SIGUSR2), inner.append):
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGUSR2)
        signal.raise_signal(signal.SIGUSR1)
    assert inner == [signal.SIGUSR1, signal.SIGUSR2]
    assert outer == [signal.SIGUSR1]
    assert signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL


def test_in_another_thread_nothing_changes() -> None:
    found: list[object] = []

    def work() -> None:
        with handled((signal.SIGUSR1,), lambda _: None):
            found.append(signal.getsignal(signal.SIGUSR1))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGUSR1)] == [signal.SIG_DFL]


def test_a_hangup_that_is_ignored_stays_so() -> None:
    """`nohup` ignores it for what it starts."""
    came: list[int] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled((signal.SIGHUP, signal.SIGUSR1), came.append):
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGUSR1)
            assert came == [signal.SIGUSR1]
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with handled((signal.SIGHUP,), came.append):
            signal.raise_signal(signal.SIGHUP)
        assert came == [signal.SIGUSR1, signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, before)
