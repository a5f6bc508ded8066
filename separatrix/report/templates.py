"""HTML of the report, from the templates in the folder ``templates``; what they are given is escaped.

Nothing else in this package writes HTML. The style sheets and scripts in ``assets`` are the only texts that go into a
page as they are.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

ASSETS = Path(__file__).with_name("assets")


@cache
def environment() -> jinja2.Environment:
    """The templates, which escape all that they are given; an unknown name in one is an error."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("separatrix.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    made.globals["asset"] = asset
    # NaN is no JSON; other scripts than Latin stay readable and short.
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "allow_nan": False}
    return made


def render(template: str, **context: object) -> str:
    """A page.

    Parameters
    ----------
    template
        Name of a file in ``templates``.
    context
        What the template asks for, by name.
    """
    return environment().get_template(template).render(context)


@cache
def asset(name: str) -> Markup:
    """A style sheet or script of this package."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    return script(text) if name.endswith(".js") else Markup(text)


def script(text: str) -> Markup:
    """JavaScript of a library, such that it cannot end the element it is in."""
    return Markup(re.sub(r"</(?=script)", r"<\\/", text, flags=re.IGNORECASE))
