"""The command line: the only part that prints and exits. One module per command, imported on use."""
