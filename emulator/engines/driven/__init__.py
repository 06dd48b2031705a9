"""Shared parts of engines that create the network by another program, under that program's own Python.

Such an engine consists of a document (the plan in that program's terms), a driver (a folder of Python
modules that answers through `serving/`) and a recipe (`launch.Recipe`). The emulator sends the driver
requests through `client.Driver`. The engine itself works on nodes of this machine. An engine with nodes
elsewhere has no such part.
"""
