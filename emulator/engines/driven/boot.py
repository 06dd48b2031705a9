"""Start a driver: `python3 -I boot.py DESCRIPTOR FOLDER`, under the Python of the driven program.

Two packages are registered there, each by its folder: `serving`, beside this file, and `driver`, in FOLDER.
That Python's import path stays as it is: no module of ours can shadow one of the driven program.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def register_package(name: str, folder: Path) -> None:
    """Import the package in `folder` as `name`; ImportError when there is none."""
    found = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if found is None or found.loader is None:
        raise ImportError(f"no package in {folder}")
    sys.modules[name] = module_from_spec(found)
    found.loader.exec_module(sys.modules[name])


def main() -> None:
    """Serve with the driver in the folder given on the command line."""
    descriptor, folder = sys.argv[1:]
    register_package("serving", Path(__file__).with_name("serving"))
    register_package("driver", Path(folder))
    import_module("driver.main").main(int(descriptor))


if __name__ == "__main__":
    main()
