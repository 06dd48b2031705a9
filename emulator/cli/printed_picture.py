"""Pictures as PNG and PDF, by CairoSVG: an optional package, which only these formats import."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from emulator.errors import UnableError

PRINTED = (".png", ".pdf")
_HALO = re.compile(r'<text class="n halo"([^>]*)>([^<]*)</text>')
"""Names with a border. CairoSVG paints the border over them, so they are written again."""
_PIXELS = 2400
"""Width of a PNG: twice that of the drawing, for sharp text."""


def converter(suffix: str) -> Callable[[str], bytes]:
    """Return the function from SVG to the format of `suffix`, one of PRINTED.

    Raises UnableError without the package, or without the library that it needs.
    """
    try:
        import cairosvg
    except ImportError as error:
        raise UnableError(
            f"{suffix[1:].upper()} needs CairoSVG: `{sys.executable} -m pip install cairosvg` (the extra "
            "`pictures` of this package); SVG and HTML need nothing"
        ) from error
    except OSError as error:
        raise UnableError(
            f"CairoSVG doesn't find the library cairo ({str(error).splitlines()[0]}): "
            "apt-get install libcairo2"
        ) from error

    def convert(text: str) -> bytes:
        made = _HALO.sub(r'\g<0><text class="n"\1>\2</text>', text).encode()
        if suffix == ".pdf":
            found: bytes = cairosvg.svg2pdf(bytestring=made)
        else:
            found = cairosvg.svg2png(bytestring=made, output_width=_PIXELS)
        return found

    return convert
