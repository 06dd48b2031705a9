"""Light ports with a device of their own: the data path without BPF."""
