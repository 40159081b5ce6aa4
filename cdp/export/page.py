"""A copy of one's data as a page to read: one file, no script, nothing from outside."""

from __future__ import annotations

from html import escape

# Of a long list the page shows the newest; the JSON file has them all.
SHOWN = 500

_HEAD = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>我的个人信息副本</title>
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
    """The page of what `gather` found."""
    sections = copy["sections"]
    names = [(escape(one["name"]), escape(one["title"])) for one in sections]
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title in names)
    parts = [
        _HEAD,
        "<h1>我的个人信息副本</h1>",
        f"<p>生成时间：{escape(copy['made_at'])}（UTC）。"
        "机器可读的完整内容在同时提供的 JSON 文件里。请妥善保管，不要转发给他人。</p>",
        f"<nav>{links}</nav>",
    ]
    for (name, title), one in zip(names, sections, strict=True):
        parts.append(f'<h2 id="{name}">{title}</h2>')
        parts.append(_section(one["content"]))
    return "\n".join([*parts, "</body></html>\n"])


def _section(content) -> str:
    if not content:
        return '<p class="none">没有。</p>'
    if isinstance(content, list) and all(isinstance(one, dict) for one in content):
        if len(content) == 1 and len(content[0]) > 8:
            return _pairs(content[0])
        note = ""
        if len(content) > SHOWN:
            note = f"<p>共 {len(content)} 条，这里列出最近的 {SHOWN} 条。</p>"
        return note + _table(content[:SHOWN])
    return _pairs(content) if isinstance(content, dict) else _value(content)


def _table(rows: list[dict]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{_value(row.get(name))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _pairs(content: dict) -> str:
    rows = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{_value(value)}</td></tr>"
        for name, value in content.items()
    )
    return f'<div class="scroll"><table>{rows}</table></div>'


def _value(value) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return '<span class="none">—</span>'
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict):
        items = "".join(f"<li>{escape(str(key))}：{_value(one)}</li>" for key, one in value.items())
        return f"<ul>{items}</ul>"
    if isinstance(value, list):
        return "<ul>" + "".join(f"<li>{_value(one)}</li>" for one in value) + "</ul>"
    return escape(str(value))
