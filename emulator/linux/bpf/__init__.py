"""bpf(2) without a library and without a compiler: maps, programs and test runs (see ARCHITECTURE.md)."""
