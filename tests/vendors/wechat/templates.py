"""/cgi-bin/message/template/send ("发送模板消息", "类目模板消息") and the list of templates
("获取已选用模板列表", getAllTemplates).

43101 for a template that the shopper has switched off, for which no event comes: seen in the field
since 2023-06 (kejiweixun.com/note/202306280919), not in the documentation.

Rules of the keywords' values by the start of their names: from the vendor's table for category
templates. From memory: keys the template does not have are ignored; a repeated `client_msg_id`
within 10 minutes shows nothing more and is answered with the first msgid; 40013 for a mini-program
that is not bound.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.vendors.wechat.errors import OK, Refused
from tests.vendors.wechat.records import Seen

if TYPE_CHECKING:
    from tests.vendors.wechat.server import Request
    from tests.vendors.wechat.simulator import Simulator

_KEYWORD = re.compile(r"\{\{(\w+)\.DATA\}\}")
_RULES = {
    "thing": re.compile(r".{1,20}", re.S),
    "character_string": re.compile(r"[\x21-\x7e]{1,32}"),
    "phone_number": re.compile(r"[\d+\- ]{1,17}"),
    "number": re.compile(r"[\d.\-]{1,32}"),
    "amount": re.compile(r"[¥￥$]?[\d.,]{1,12}[元角分]?"),
    "car_number": re.compile(r".{1,8}"),
}


def send(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """POST {touser, template_id, data: {name: {value}}, url?, miniprogram?, client_msg_id?}

    Answers {errcode, errmsg, msgid}; TEMPLATESENDJOBFINISH follows with `vendor.finish_templates`.
    """
    now = vendor.clock()
    vendor.meter.count("template", now, vendor.limits.template_daily)
    body = request.json(vendor)
    to = body.get("touser")
    shopper = vendor.shoppers.get(to) if isinstance(to, str) else None
    if shopper is None:
        raise Refused(40003)
    if not shopper.following:
        raise Refused(43004)
    wanted = body.get("template_id")
    if not isinstance(wanted, str) or wanted not in vendor.templates:
        raise Refused(40037)
    if wanted in shopper.refused_templates:
        raise Refused(43101)
    text = _filled(vendor.templates[wanted], body.get("data"))
    program = body.get("miniprogram")
    if program is not None and not isinstance(program, dict):
        raise Refused(47001)
    if program and program.get("appid") not in vendor.bound_miniprograms:
        raise Refused(40013)
    own = body.get("client_msg_id")
    sent = vendor.sent_templates.get((to, own)) if own else None
    if sent is not None and now - sent[0] < 600:
        return {**OK, "msgid": sent[1]}
    msgid = vendor.next_msgid()
    if own:
        vendor.sent_templates[(to, own)] = (now, msgid)
    vendor.jobs.append((shopper, msgid))
    if not shopper.refuses:
        more = {"url": body.get("url", ""), "miniprogram": program, "data": body["data"]}
        content = {"content": text, "template_id": wanted, **more}
        shopper.sees(Seen(now, "template", "template", content))
    return {**OK, "msgid": msgid}


def listed(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """GET: {template_list: [{template_id, title, primary_industry, deputy_industry, content,
    example}]}"""
    industry = {"primary_industry": "IT科技", "deputy_industry": "互联网|电子商务"}
    return {
        "template_list": [
            {"template_id": made, "title": "通知", **industry, "content": content, "example": ""}
            for made, content in vendor.templates.items()
        ]
    }


def _filled(template: str, data: Any) -> str:
    """The template's words; refused 47003 if a keyword is missing, empty, or against its rule."""
    if not isinstance(data, dict):
        raise Refused(47003, " data is missing")
    values = {}
    for name in _KEYWORD.findall(template):
        value = data[name].get("value") if isinstance(data.get(name), dict) else None
        rule = _RULES.get(name.rstrip("0123456789"))
        fits = isinstance(value, str) and value and (rule is None or rule.fullmatch(value))
        if not fits:
            raise Refused(47003, f" data.{name}.value {'invalid' if value else 'is empty'}")
        values[name] = value
    return _KEYWORD.sub(lambda found: values[found[1]], template)
