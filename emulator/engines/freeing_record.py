"""The run record by which workers are freed."""

from __future__ import annotations

from emulator.errors import EmulationError
from emulator.state import NetworkState, Record


def freeing_record(state: NetworkState) -> Record | None:
    """Return the record that names a network's workers; None, and without its folder, if nothing was made.

    Raises EmulationError for a damaged record: it may name workers that hold nodes.
    """
    try:
        return state.read()
    except EmulationError:
        if state.record_path.exists():
            raise
        state.remove()  # a killed `up` had recorded nothing yet, so nothing was created
        return None
