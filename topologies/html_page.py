"""A self-contained HTML file: style, scripts and data are inside, nothing is loaded from outside.

Names are in it as data only, and the scripts insert them as text: no name is ever markup or code.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'">
<title>{title}</title>
<style>
{css}</style>
</head>
<body>
{body}
<script type="application/json" id="data">{data}</script>
<script>
{script}</script>
</body>
</html>
"""


def page(title: str, body: str, data: Any, *, css: str, script: str) -> str:
    """Return the page; `body` is markup, `title` is text, and the scripts find `data` in `#data`."""
    # "</script>" and "<!--" inside a string would end the element (HTML, section 13.1.3)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return _PAGE.format(title=escape(title), css=css, body=body, data=text, script=script)
