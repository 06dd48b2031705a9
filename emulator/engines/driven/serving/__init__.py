"""Main loop of a driver, for the driven program's Python: uses only the standard library, nothing of ours.

`boot.py` registers it there as `serving`. Rules of the protocol:
1. A request is one line of JSON, `{"do": [[step, {argument: value}], …], "seconds": s}`. The steps are
executed in order. Each part of a step may take `s` seconds; steps that run beside others limit themselves.
2. Meanwhile the driver may send lines `{"progress": [phase, done, total]}`.
3. The last line is `{"ok": [result of each step]}` or `{"error": words}`. After a failed step, the remaining
steps aren't executed.
4. A client that closes its connection before that has gone away. The driver ends `abandonable` steps, and
what steps have registered by `Progress.when_gone`. Everything else is finished.
"""
