"""`emulator shell`: `command` reads lines, `lines` understands them, the other modules carry them out."""
