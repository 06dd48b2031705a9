"""What engines share that have another program make the network, under that program's own Python.

Such an engine is a document (the plan as its program reads it), a driver (a folder of Python that answers by
`serving/`) and a recipe (`launch.Recipe`). The emulator asks the driver by `client.Driver`. What it does
itself to nodes on this machine is the engine's own; one whose nodes are elsewhere has none of that.
"""
