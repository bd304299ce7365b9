"""Configuration of the documentation; it is built without a network, and a warning is an error."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import carwright

project = "Carwright"
author = "The Carwright developers"
copyright = f"2026, {author}"
version = release = carwright.__version__
html_baseurl = ""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "_extensions"]
exclude_patterns = ["_build", "generated", "**/_*.md"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nitpicky = False
default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
suppress_warnings = ["myst.header"]  # an included table has no heading of its own

html_theme = "furo"
html_title = f"Carwright {version}"
html_static_path = ["_static"]
html_css_files = ["carwright.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1b4f72", "color-brand-content": "#1b5e8c"},
    "dark_css_variables": {"color-brand-primary": "#7fb6dd", "color-brand-content": "#8cc1e6"},
    "footer_icons": [],
}
