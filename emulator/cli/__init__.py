"""The command line: the only place that prints and exits. One command a module, imported when asked for."""
