"""What every figure must meet, and what an SVG says."""

import re

from eisim.report.style import DOUBLE, SINGLE, TALLEST


def said(svg: bytes | str) -> set[str]:
    """Texts of an SVG whose text is drawn as outlines: Matplotlib writes each as a comment before its outlines."""
    svg = svg.decode() if isinstance(svg, bytes) else svg
    return set(re.findall(r"<!-- (.*?) -->", svg, flags=re.DOTALL))


def check(figure) -> None:
    """Assert that a figure fits a page, and that every axis with numbers on it says what they are."""
    width, height = figure.get_size_inches()
    assert width in (SINGLE, DOUBLE) and height <= TALLEST
    axes = [ax for ax in figure.axes if ax.axison and ax.has_data() and ax.get_label() != "<colorbar>"]
    for ax in axes:
        box = ax.get_position()
        column = [a for a in axes if abs(a.get_position().x0 - box.x0) < 0.01]
        row = [a for a in axes if abs(a.get_position().y0 - box.y0) < 0.01]
        if len(ax.get_xticks()):
            assert figure.get_supxlabel() or any(a.get_xlabel() for a in column), ax.get_title()
        if len(ax.get_yticks()):
            assert figure.get_supylabel() or any(a.get_ylabel() for a in row), ax.get_title()
