"""`emulator shell`: `command`, `prompt` read lines, `lines` understands them, the others carry them out."""
