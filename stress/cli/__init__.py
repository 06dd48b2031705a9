"""The verbs of the command line that are about stress: `emulator stress`. `emulator.cli.main` names them."""
