"""The loop of a driver, for the Python that has what it drives: the standard library only, nothing of ours.

`boot.py` makes it known there as `serving`. Rules of the protocol:
1. A request is one line of JSON, `{"do": [[step, {argument: value}], …], "seconds": s}`: the steps are done
   in order, and each of their parts may take `s` seconds.
2. While they are done, lines `{"progress": [phase, done, total]}` may come.
3. The last line is `{"ok": [what each step gave]}` or `{"error": words}`; the steps after one that failed
   aren't done.
"""
