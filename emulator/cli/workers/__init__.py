"""`emulator workers`: a file per command."""
