"""Entry points of tasks: code that runs where the nodes are, is handed the nodes, and holds no `Network`."""
