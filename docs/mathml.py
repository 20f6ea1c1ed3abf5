"""Formulas as MathML, which browsers draw by themselves: the pages need no script from elsewhere."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(writer, node):
    writer.body.append(tex2mathml(_plain(node.astext())))
    raise nodes.SkipNode


def _block(writer, node):
    text = _plain(node.astext())
    if r"\\" in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    writer.body.append(f'<div class="math">{tex2mathml(text, as_block=True)}</div>')
    raise nodes.SkipNode


def _plain(text):
    """Without the sizes of brackets, which MathML finds by itself, and dots, which are hardly seen: dx/dt instead."""
    text = re.sub(r"\\[bB]igg?[lr]?(?![a-zA-Z])", "", text)
    return re.sub(r"\\dot\{(\\?[A-Za-z]+)\}(_(?:\{[^}]*\}|\w))?", r"\\frac{d\1\2}{dt}", text)
