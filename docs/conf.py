"""Sphinx configuration: Markdown pages, and pages that `generate.py` makes from the code when the site is built."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import generate  # noqa: E402

import eisim  # noqa: E402

project = "eisim"
author = "The eisim developers"
copyright = author
version = release = eisim.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "mathml",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
if not tags.has("quick"):  # noqa: F821  # Sphinx defines `tags` in conf.py
    extensions.append("sphinx.ext.viewcode")
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3

default_role = "autolink"
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings state types as text
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore_regex = [
    # Single backticks mark arguments, fields and modules as well as public names, and only public names have a page.
    # Explicit roles (:class:, :func:, ...) are checked.
    (r"py:obj", r".*"),
]

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "eisim"
html_static_path = ["_static"]
html_css_files = ["eisim.css"]
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {
    page: []
    for page in (
        "index",
        "install",
        "tutorial",
        "theory",
        "custom",
        "sweeps",
        "reports",
        "glossary",
        "changelog",
        "cite",
    )
}
html_show_sphinx = False
html_copy_source = False
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

suppress_warnings = ["config.cache"]
# For `linkcheck`, which needs a network.
linkcheck_timeout = 20


def setup(app):
    """Write the generated pages before Sphinx collects sources; ``-t quick`` skips the experiments."""
    app.connect("config-inited", lambda app, _: generate.write_all(HERE / "generated", quick=app.tags.has("quick")))
    app.connect("source-read", _for_site)


def _for_site(app, name, source):
    source[0] = generate.for_site(name, source[0])
