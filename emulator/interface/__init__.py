"""What a network's user can do with it: for scripts in Python, and for the verbs of the command line.

`emulator.load`, `emulator.up` and `emulator.attach` are the entries. Nodes and links are named, not numbered.
Nothing here prints, and nothing here knows the command line.
"""
