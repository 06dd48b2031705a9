"""The machine: what it has, what its kernel can do, and the checks of `doctor`."""
