"""Bodies of pushes and of passive replies: XML, and JSON for mini-programs that chose it."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree


def write(fields: dict[str, Any], data_format: str) -> str:
    """The body of a push; in XML texts are CDATA and numbers bare, as the vendor writes them."""
    if data_format == "json":
        return json.dumps(fields, ensure_ascii=False)
    return f"<xml>{''.join(_element(name, value) for name, value in fields.items())}</xml>"


def read(body: str, data_format: str) -> dict[str, Any]:
    """Fields of an answer; ValueError if it is none.

    In XML a repeated `item` becomes a list; surrounding white space in a value is kept: the vendor
    does not strip it.
    """
    if data_format == "json":
        made = json.loads(body)
        if not isinstance(made, dict):
            raise ValueError("JSON, but no object")
        return made
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as fault:
        raise ValueError(f"no XML: {fault}") from fault
    if root.tag != "xml":
        raise ValueError(f"the root is <{root.tag}>, not <xml>")
    return {child.tag: _value(child) for child in root}


def _element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"<{name}>{''.join(_element(*pair) for pair in value.items())}</{name}>"
    if isinstance(value, str):
        quoted = value.replace("]]>", "]]]]><![CDATA[>")
        return f"<{name}><![CDATA[{quoted}]]></{name}>"
    return f"<{name}>{value}</{name}>"


def _value(element: ElementTree.Element) -> Any:
    if not len(element):
        return element.text or ""
    if all(child.tag == "item" for child in element):
        return [{part.tag: part.text or "" for part in child} for child in element]
    return {child.tag: _value(child) for child in element}
