"""The machine: its resources, its kernel's features, and the checks of `doctor`."""
