"""Formulas as MathML, which browsers show without a script from the network."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def to_mathml(node, as_block):
    # The converter knows explicit kinds of dots only, and its short bar is hard to see.
    tex = node.astext().replace(r"\dots", r"\ldots")
    return tex2mathml(re.sub(r"\\bar\s+(\w)", r"\\overline{\1}", tex), as_block=as_block)


def visit_math(self, node):
    self.body.append(to_mathml(node, as_block=False))
    raise nodes.SkipNode


def visit_math_block(self, node):
    self.body.append(f'<div class="math">{to_mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
