"""/cgi-bin/qrcode/create, /menu/create|get|delete and /user/info.

Pages: createQRCode, createCustomMenu, userInfo. From memory: the codes 40052, 40053 (action),
40035 (expire_seconds) and 45029; that a permanent code asked for again is the same; the order of
checks; 40033 for a menu escaped with \\uXXXX.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.vendors.wechat.errors import OK, Refused
from tests.vendors.wechat.server import File, has_escapes

if TYPE_CHECKING:
    from tests.vendors.wechat.server import Request
    from tests.vendors.wechat.simulator import Simulator

LONGEST, DEFAULT_SECONDS = 2_592_000, 60
# Highest number, or None for a text of 1 to 64 characters.
ACTIONS = {
    "QR_SCENE": 2**32 - 1,
    "QR_STR_SCENE": None,
    "QR_LIMIT_SCENE": 100_000,
    "QR_LIMIT_STR_SCENE": None,
}
BUTTON_TYPES = {
    *("click", "view", "miniprogram", "scancode_push", "scancode_waitmsg", "pic_sysphoto"),
    *("pic_photo_or_album", "pic_weixin", "location_select", "media_id", "article_id"),
    *("article_view_limited", "view_limited"),
}


@dataclass
class Code:
    """A QR code; `ends` is infinite for a permanent one."""

    ticket: str
    scene: int | str
    ends: float


def create_code(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """POST {action_name, action_info: {scene: {scene_id | scene_str}}, expire_seconds?}"""
    body = request.json(vendor)
    action = body.get("action_name")
    if not isinstance(action, str) or action not in ACTIONS:
        raise Refused(40052)
    info = body.get("action_info")
    scene = _scene(action, info.get("scene") if isinstance(info, dict) else None)
    now = vendor.clock()
    if action.startswith("QR_LIMIT"):
        return _permanent(vendor, scene)
    seconds = body.get("expire_seconds", DEFAULT_SECONDS)
    if type(seconds) is not int or not 1 <= seconds <= LONGEST:
        raise Refused(40035)
    code = _new(vendor, scene, now + seconds)
    return {"ticket": code.ticket, "expire_seconds": seconds, "url": _url(code)}


def _scene(action: str, scene: Any) -> int | str:
    scene = scene if isinstance(scene, dict) else {}
    most = ACTIONS[action]
    if most is None:
        text = scene.get("scene_str")
        if not isinstance(text, str) or not 1 <= len(text) <= 64:
            raise Refused(40053)
        return text
    number = scene.get("scene_id")
    if type(number) is not int or not 1 <= number <= most:
        raise Refused(40053)
    return number


def _permanent(vendor: "Simulator", scene: int | str) -> dict[str, Any]:
    kept = [code for code in vendor.codes.values() if code.ends == float("inf")]
    code = next((one for one in kept if one.scene == scene), None)
    if code is None:
        if len(kept) >= vendor.limits.permanent_codes:
            raise Refused(45029)
        code = _new(vendor, scene, float("inf"))
    return {"ticket": code.ticket, "url": _url(code)}


def _new(vendor: "Simulator", scene: int | str, ends: float) -> Code:
    code = Code(f"gQ{secrets.token_urlsafe(66)}==", scene, ends)
    vendor.codes[code.ticket] = code
    return code


def _url(code: Code) -> str:
    return f"http://weixin.qq.com/q/{quote(code.ticket[2:24])}"


def show_code(vendor: "Simulator", request: "Request") -> File:
    """GET /cgi-bin/showqrcode?ticket= (at mp.weixin.qq.com, without a token): JPEG or 404"""
    code = vendor.codes.get(request.query.get("ticket", ""))
    if code is None or vendor.clock() >= code.ends:
        return File(b"", "text/plain", status=404)
    return File(b"\xff\xd8\xff\xe0 a code", "image/jpg")


def create_menu(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """POST {button: [{type, name, key | url | …} | {name, sub_button: […]}]}"""
    if vendor.keeps_escapes and has_escapes(request.raw):
        raise Refused(40033)
    buttons = request.json(vendor).get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refused(40016)
    kept = []
    for one in buttons:
        one = one if isinstance(one, dict) else {}
        subs = one.get("sub_button") or []
        if not isinstance(subs, list) or len(subs) > 5:
            raise Refused(40023)
        _check_button(one, 0, bool(subs))
        for sub in subs:
            _check_button(sub if isinstance(sub, dict) else {}, 1, False)
        kept.append({**one, "sub_button": [{**sub, "sub_button": []} for sub in subs]})
    vendor.menu, vendor.menu_id = {"button": kept}, vendor.menu_id + 1
    return OK


def _check_button(one: dict[str, Any], level: int, has_subs: bool) -> None:
    name, key, url = (str(one.get(part, "")) for part in ("name", "key", "url"))
    if not name or len(name.encode()) > (16, 60)[level]:
        raise Refused((40018, 40025)[level])
    if has_subs:
        return
    kind = one.get("type")
    if kind not in BUTTON_TYPES:
        raise Refused((40017, 40024)[level])
    if len(key.encode()) > 128 or (kind == "click" and not key):
        raise Refused((40019, 40026)[level])
    if kind in ("view", "miniprogram"):
        if not url or len(url.encode()) > 1024:
            raise Refused((40020, 40027)[level])
        if not url.startswith(("http://", "https://")):
            raise Refused((40055, 40054)[level])


def get_menu(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """GET: {menu: {button}}, refused 46003 without one"""
    if vendor.menu is None:
        raise Refused(46003)
    return {"menu": vendor.menu}


def delete_menu(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """GET"""
    vendor.menu = None
    return OK


def user_info(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """GET ?openid=&lang=; for who does not follow only {subscribe: 0, openid}; no nickname since
    2021-12-27; unionid only where the account is bound to an open platform"""
    shopper = vendor.shoppers.get(request.query.get("openid", ""))
    if shopper is None:
        raise Refused(40003)
    union = {"unionid": shopper.unionid} if shopper.unionid else {}
    if not shopper.following:
        return {"subscribe": 0, "openid": shopper.openid, **union, "tagid_list": []}
    return {
        "subscribe": 1,
        "openid": shopper.openid,
        "nickname": "",
        "sex": 0,
        "language": shopper.language,
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "subscribe_time": shopper.followed_at,
        **union,
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": shopper.subscribe_scene,
        "qr_scene": shopper.qr_scene,
        "qr_scene_str": shopper.qr_scene_str,
    }
