"""Composes a page from a template: one HTML text that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from carwright import __version__


def compose(template: str, filters: Mapping[str, Callable[..., Any]], **content: object) -> str:
    """Fill a template that extends ``page.html``; nothing is unescaped, nothing may be undefined.

    Parameters
    ----------
    template
        Its file's name.
    filters
        What the template may write its values with.
    **content
        What it shows, beside the version, the style and the scripts.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("carwright.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    scripts = [get_plotlyjs(), _asset("report.js")]
    return environment.get_template(template).render(
        version=__version__,
        style=Markup(_asset("report.css")),  # noqa: S704 - a file of this package
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - plotly's own file and one of this package
        script_hashes=[_content_hash(script) for script in scripts],
        **content,
    )


def _asset(name: str) -> str:
    return (resources.files("carwright.report") / "templates" / name).read_text(encoding="utf-8")


def _content_hash(script: str) -> str:
    """Hash by which the content security policy admits a script, and nothing else, to run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
