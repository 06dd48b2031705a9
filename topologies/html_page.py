"""A self-contained HTML file: style, scripts and data are inside, nothing is loaded from outside.

Names are in it as data only, and the scripts insert them as text: no name is ever markup or code.
"""

from __future__ import annotations

import json
from typing import Any


def page(package: str, template: str, title: str, data: Any, *, css: str, script: str, **values: str) -> str:
    """Return the page of `template` in the folder `templates` of `package`; it extends `page.html.j2`.

    `title` and `values` are text, which the template escapes; the scripts find `data` in `#data`.
    """
    import jinja2  # half of the commands need no template
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader("topologies")]),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    # "</script>" and "<!--" inside a string would end the element (HTML, section 13.1.3)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    whole = {"css": Markup(css), "script": Markup(script), "data": Markup(text)}  # noqa: S704  # our own files
    return environment.get_template(template).render(title=title, **whole, **values)
