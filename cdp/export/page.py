"""A copy of one's data as a page to read: one file, no script, nothing from outside."""

from __future__ import annotations

from html import escape

from cdp.export.contents import words

# Of a long list the page shows the newest; the JSON file has them all.
SHOWN = 500

_HEAD = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
nav a { margin-right: 1rem; white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .35rem .6rem .35rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; min-width: 6rem; }
ul { margin: 0; padding-left: 1.1rem; } .none { opacity: .65; }
</style></head><body>
"""


def page(copy: dict) -> str:
    """The page of what `gather` found, in its language."""
    say = words(copy["language"])
    sections = copy["sections"]
    names = [(escape(one["name"]), escape(one["title"])) for one in sections]
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title in names)
    head = _HEAD.replace("{lang}", say["lang"]).replace("{title}", say["title"])
    parts = [
        head,
        f"<h1>{say['title']}</h1>",
        f"<p>{say['made'].format(at=escape(copy['made_at']))}</p>",
        f"<nav>{links}</nav>",
    ]
    for (name, title), one in zip(names, sections, strict=True):
        parts.append(f'<h2 id="{name}">{title}</h2>')
        parts.append(_section(one["content"], say))
    return "\n".join([*parts, "</body></html>\n"])


def _section(content, say: dict) -> str:
    if not content:
        return f'<p class="none">{say["none"]}</p>'
    if isinstance(content, list) and all(isinstance(one, dict) for one in content):
        if len(content) == 1 and len(content[0]) > 8:
            return _pairs(content[0], say)
        note = ""
        if len(content) > SHOWN:
            note = f"<p>{say['newest'].format(count=len(content), shown=SHOWN)}</p>"
        return note + _table(content[:SHOWN], say)
    return _pairs(content, say) if isinstance(content, dict) else _value(content, say)


def _table(rows: list[dict], say: dict) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{_value(row.get(name), say)}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _pairs(content: dict, say: dict) -> str:
    rows = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{_value(value, say)}</td></tr>"
        for name, value in content.items()
    )
    return f'<div class="scroll"><table>{rows}</table></div>'


def _value(value, say: dict) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return '<span class="none">—</span>'
    if isinstance(value, bool):
        return say["yes"] if value else say["no"]
    if isinstance(value, dict):
        items = "".join(
            f"<li>{escape(str(key))}: {_value(one, say)}</li>" for key, one in value.items()
        )
        return f"<ul>{items}</ul>"
    if isinstance(value, list):
        return "<ul>" + "".join(f"<li>{_value(one, say)}</li>" for one in value) + "</ul>"
    return escape(str(value))
