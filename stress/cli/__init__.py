"""Stress verbs of the command line: `emulator stress`. `emulator.cli.main` names them."""
