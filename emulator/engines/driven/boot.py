"""Starts a driver: `python3 -I boot.py DESCRIPTOR FOLDER`, under the Python that has what it drives.

Two packages are made known there, each by its folder: `serving`, beside this file, and `driver`, in FOLDER.
Nothing else is added to what that Python imports: no module of ours can hide one of the driven program's.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def make_known(name: str, folder: Path) -> None:
    """Import the package in `folder` as `name`; ImportError when there is none."""
    found = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if found is None or found.loader is None:
        raise ImportError(f"no package in {folder}")
    sys.modules[name] = module_from_spec(found)
    found.loader.exec_module(sys.modules[name])


def main() -> None:
    """Serve by the driver in the folder that is named on the command line."""
    descriptor, folder = sys.argv[1:]
    make_known("serving", Path(__file__).with_name("serving"))
    make_known("driver", Path(folder))
    import_module("driver.main").main(int(descriptor))


if __name__ == "__main__":
    main()
