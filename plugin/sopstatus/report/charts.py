"""Charts as SVG that stands in the page itself, by pygal; colours of text follow the page's theme."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

import pygal
from pygal.style import Style

from sopstatus.report.figures import STATES, Group

# a finder of the kind that Python 3.12 no longer asks, for maps that nobody draws here: until then
# each import would warn of it
sys.meta_path[:] = [one for one in sys.meta_path if type(one).__module__ != pygal.__name__]

COLORS = dict(
    zip(
        STATES,  # NS, OR, AO, AC; told apart also by who sees red and green alike (Okabe and Ito)
        ("#8d7fc1", "#e69f00", "#0072b2", "#56b4e9", "#8c8c8c", "#cc79a7", "#d55e00"),
        strict=True,
    )
)
_FONT = "system-ui, sans-serif"
_SCRIPT = re.compile(r"<script.*?</script>|<\?xml[^>]*\?>|<!--.*?-->", re.DOTALL)


def by_state(groups: Sequence[Group], labels: Mapping[str, str], *, upright: bool = False) -> str:
    """Draw a stacked bar for each group; ``labels`` are the names of the states."""
    states = [state for state in STATES if any(group.counts.get(state) for group in groups)]
    kind = pygal.StackedBar if upright else pygal.HorizontalStackedBar
    shown = list(groups) if upright else list(reversed(groups))  # pygal begins at the bottom
    chart = kind(
        style=_style([COLORS[state] for state in states]),
        height=340 if upright else 130 + 26 * len(groups),
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        x_label_rotation=45 if upright and len(groups) > 8 else 0,
        **_SETTINGS,
    )
    chart.x_labels = [group.name or "not said" for group in shown]
    for state in states:
        chart.add(labels[state], [group.counts.get(state, 0) for group in shown])
    return _svg(chart)


def ages(waiting: Mapping[str, int], color: str) -> str:
    """Draw a bar for each age."""
    chart = pygal.Bar(style=_style([color]), height=340, show_legend=False, **_SETTINGS)
    chart.x_labels = list(waiting)
    chart.x_label_rotation = 30
    chart.add("", list(waiting.values()))
    return _svg(chart)


_SETTINGS = {
    "width": 560,
    "js": [],
    "margin": 6,
    "margin_left": 20,  # wide letters are wider than pygal reckons
    "spacing": 8,
    "min_scale": 2,
    "max_scale": 5,
    "truncate_label": 18,
    "truncate_legend": 32,
    "legend_box_size": 14,
    "value_formatter": lambda number: f"{number:,.0f}",
}


def _style(colors: Sequence[str]) -> Style:
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--line)",
        guide_stroke_color="var(--line)",
        major_guide_stroke_color="var(--line)",
        opacity="1",
        opacity_hover="1",
        colors=tuple(colors),
        font_family=_FONT,
        label_font_size=15,
        major_label_font_size=15,
        legend_font_size=15,
        tooltip_font_size=15,
    )


def _svg(chart: pygal.graph.graph.Graph) -> str:
    """Return the drawing, without the script that would fetch another."""
    return _SCRIPT.sub("", chart.render(is_unicode=True))
