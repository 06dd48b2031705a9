"""Light ports: the data path of VPCs, in BPF programs and the maps that they share (see ARCHITECTURE.md)."""
