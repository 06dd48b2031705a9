"""Shared parts of engines that have another program make the network, under that program's own Python.

Such an engine is a document (the plan in that program's terms), a driver (a folder of Python that answers by
`serving/`) and a recipe (`launch.Recipe`). The emulator asks the driver by `client.Driver`. Work on nodes
of this machine is the engine's own; an engine whose nodes are elsewhere has none.
"""
