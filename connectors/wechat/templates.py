"""Template messages (模板消息): how messages of the shop's own are said by an account's templates.

WeChat takes them at any time, but only for services, and only in words that it has approved. Which
of an account's templates says what stands in a file (`WECHAT_TEMPLATES`):

    refund_arrived:                         # the name that `notify` is given
      template_id: iPk5sOIt5X_flOVKn5GrTFpncEYTojx6ddbt8WYoV5s
      opens: /                              # if it is to open something: a page, or an address
      fields:                               # the template's keywords, without .DATA
        character_string1: "{order}"        # {…}: the fields that `notify` is given
        amount2: "{amount}"
        thing3: 已原路退回

Source: WeChat's developer pages "发送模板消息" and "类目模板消息" (what a keyword may hold).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

# Characters that a kind of keyword holds; the others have forms of their own, and WeChat's word.
LONGEST = {
    **{"thing": 20, "number": 32, "letter": 32, "symbol": 5, "character_string": 32},
    **{"phone_number": 17, "car_number": 8, "name": 20, "phrase": 5},
}
_PLACE = re.compile(r"\{(\w+)\}")
_KEYWORD = re.compile(r"\{\{(\w+)\.DATA\}\}")
_PARTS = {"template_id", "opens", "fields"}


class BadTemplates(ValueError):
    """The file, or a message for one of its templates, is not in order; it says where and why."""


@dataclass(frozen=True)
class Template:
    """One template; `fields`: keyword → what it says, with the places of a message's fields."""

    template_id: str
    fields: Mapping[str, str]
    opens: str | None = None

    def data(self, values: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The keywords as WeChat takes them.

        Raises:
            BadTemplates: a field is missing, or what it makes is empty or too long.
        """
        missing = {name for text in self.fields.values() for name in _PLACE.findall(text)}
        missing -= set(values)
        if missing:
            raise BadTemplates(f"fields {sorted(missing)}: expected by the template")
        return {
            keyword: {"value": _fitting(keyword, _PLACE.sub(lambda place: values[place[1]], text))}
            for keyword, text in self.fields.items()
        }


def load(path: Path) -> dict[str, Template]:
    """All templates of a file, by the message's name.

    Raises:
        BadTemplates: it cannot be read, or says something else than expected.
    """
    try:
        told = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadTemplates(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(told, Mapping):
        raise BadTemplates(f"{path}: expected names of messages, and a template for each")
    return {str(name): _template(one, f"{path.name}: {name}") for name, one in told.items()}


def _template(told: object, where: str) -> Template:
    if not isinstance(told, Mapping) or not {"template_id", "fields"} <= set(told) <= _PARTS:
        raise BadTemplates(f"{where}: expected template_id, fields, and perhaps opens")
    fields = told["fields"]
    if not isinstance(fields, Mapping) or not fields:
        raise BadTemplates(f"{where}, fields: expected keywords of the template")
    named = {str(keyword): str(text) for keyword, text in fields.items()}
    opens = told.get("opens")
    return Template(str(told["template_id"]), named, str(opens) if opens else None)


def keywords(content: str) -> list[str]:
    """The keywords of a template as WeChat shows it ("订单{{character_string1.DATA}}已发货")."""
    return _KEYWORD.findall(content)


def _fitting(keyword: str, text: str) -> str:
    value = " ".join(text.split())
    kind = keyword.rstrip("0123456789")
    most = LONGEST.get(kind, 200)
    if kind == "thing" and len(value) > most:
        # Words may be cut; half a number would be another number.
        return value[: most - 1] + "…"
    if not 1 <= len(value) <= most:
        raise BadTemplates(f"{keyword}: {len(value)} characters; expected 1 to {most}")
    return value
