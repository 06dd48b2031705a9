"""Colours and sizes of the pictures, light and dark, in plain CSS for every viewer."""

from __future__ import annotations

TIERS = ("#4338ca", "#2563eb", "#0e7490", "#0f766e", "#15803d", "#4d7c0f")
"""Switch layers from the top down; white text on each has a contrast of 4.5 or more (WCAG 2.2, 1.4.3)."""
HOST = "#b45309"
ROUTER = "#be185d"
FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

CSS = f"""
.bg{{fill:#ffffff}} .t{{fill:#0f172a;font:600 20px {FONT}}} .s{{fill:#64748b;font:13px {FONT}}}
.panel{{fill:#f1f5f9;stroke:#e2e8f0}}
.l{{stroke:#94a3b8;fill:none}} .n{{fill:#334155;font:10.5px {FONT}}}
.in{{fill:#ffffff;font:600 11px {FONT}}}
.card{{stroke:#ffffff;stroke-width:1.2}} .k{{fill:#475569;font:12px {FONT}}}
.halo{{paint-order:stroke;stroke:#ffffff;stroke-width:3px;stroke-linejoin:round}}
@media (prefers-color-scheme:dark){{
.bg{{fill:#0d1220}} .t{{fill:#f1f5f9}} .s{{fill:#94a3b8}} .panel{{fill:#151c2f;stroke:#1f2a44}}
.l{{stroke:#64748b}} .n{{fill:#cbd5e1}} .card{{stroke:#0d1220}} .k{{fill:#a8b5c8}} .halo{{stroke:#0d1220}}
.host{{fill:#f59e0b}} .in.onhost{{fill:#1c1203}}
}}
""".strip()
