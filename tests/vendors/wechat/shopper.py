"""A shopper on their phone: what they do is pushed, what reaches them is in `seen`.

Fields of each push: "接收普通消息", "接收事件推送" and the mini-program's "接收消息和事件".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import requests

from tests.vendors.wechat.allowance import Allowance
from tests.vendors.wechat.media import is_picture
from tests.vendors.wechat.records import Push, Seen

if TYPE_CHECKING:
    from tests.vendors.wechat.simulator import Simulator

_MENU_LINK = re.compile(r"weixin://bizmsgmenu\?msgmenucontent=([^&\"']*)&msgmenuid=([^\"'&]*)")


class Shopper:
    """Made by `vendor.shopper`; each act returns its `Push` when all tries are done."""

    def __init__(self, vendor: "Simulator", openid: str, **facts: Any) -> None:
        self.vendor = vendor
        self.openid = openid
        self.unionid: str = facts.get("unionid", "")
        self.language: str = facts.get("language", "zh_CN")
        self.following: bool = facts.get("following", True)
        self.followed_at = int(vendor.clock())
        self.subscribe_scene = "ADD_SCENE_SEARCH"
        self.qr_scene, self.qr_scene_str = 0, ""
        self.refuses = False
        self.refused_templates: set[str] = set()
        self.allowance = Allowance()
        self.seen: list[Seen] = []
        self.typing_until = self.spoke_at = float("-inf")

    @property
    def texts(self) -> list[str]:
        """The words of all they saw, in order."""
        return [one.text for one in self.seen if one.text]

    def picture(self, one: Seen) -> bytes | None:
        """What stands as the picture of an article, a link or a mini-program's card: JPG or PNG,
        fetched where it says; None where nothing can be shown."""
        if one.kind == "miniprogrampage":
            content = self.vendor.media.kept[one.content["thumb_media_id"]].content
        else:
            told = one.content["articles"][0] if one.kind == "news" else one.content
            content = requests.get(told.get("picurl") or told.get("thumb_url"), timeout=60).content
        return content if is_picture(content) else None

    @property
    def sees_typing(self) -> bool:
        """Whether "对方正在输入" stands there now."""
        return self.vendor.clock() < self.typing_until

    def sees(self, one: Seen) -> None:
        """Something reaches the screen; it ends "typing"."""
        self.seen.append(one)
        self.typing_until = float("-inf")
        self.spoke_at = self.vendor.clock()

    # Messages of both kinds of account.

    def says(self, text: str) -> Push:
        return self._message("text", {"Content": text})

    def sends_image(self, content: bytes = b"\xff\xd8\xff\xe0 a picture") -> Push:
        media_id = self.vendor.media.keep("image", content, "image/jpeg", self.vendor.clock())
        url = f"{self.vendor.url}/mmbiz_jpg/{media_id}/0"
        return self._message("image", {"PicUrl": url, "MediaId": media_id})

    # Messages of official accounts.

    def sends_voice(self, recognition: str | None = None, content: bytes = b"#!AMR\n") -> Push:
        """`recognition`: the words heard, with the account's recognition on; None: off."""
        media_id = self.vendor.media.keep("voice", content, "audio/amr", self.vendor.clock())
        heard = {} if recognition is None else {"Recognition": recognition}
        return self._message("voice", {"MediaId": media_id, "Format": "amr", **heard}, "official")

    def sends_video(self, content: bytes = b"\0\0\0\x18ftypmp42") -> Push:
        now = self.vendor.clock()
        media_id = self.vendor.media.keep("video", content, "video/mp4", now)
        thumb = self.vendor.media.keep("thumb", b"\xff\xd8", "image/jpeg", now)
        return self._message("video", {"MediaId": media_id, "ThumbMediaId": thumb}, "official")

    def sends_location(self, x: float, y: float, label: str, scale: int = 16) -> Push:
        """`x`: latitude, `y`: longitude."""
        fields = {"Location_X": x, "Location_Y": y, "Scale": scale, "Label": label}
        return self._message("location", fields, "official")

    def sends_link(self, title: str, description: str, url: str) -> Push:
        fields = {"Title": title, "Description": description, "Url": url}
        return self._message("link", fields, "official")

    def chooses(self, item_id: str) -> Push:
        """Taps an item of a `msgmenu`, or a weixin://bizmsgmenu link in a text, that they saw."""
        for one in reversed(self.seen):
            for found, words in _choices(one):
                if found == item_id:
                    fields = {"Content": words, "bizmsgmenuid": item_id}
                    return self._message("text", fields, "official", scene="click")
        raise ValueError(f"{self.openid} sees no menu with the item {item_id!r}")

    # Events of official accounts.

    def follows(
        self, event_key: str = "", ticket: str = "", scene: str = "ADD_SCENE_SEARCH"
    ) -> Push:
        """By search, or another `subscribe_scene`; by a code with `vendor.scan`."""
        self._only("official")
        self.following, self.followed_at = True, int(self.vendor.clock())
        if not ticket:
            self.subscribe_scene, self.qr_scene, self.qr_scene_str = scene, 0, ""
        self.allowance.grant("follow", self.vendor.clock())
        return self._event(
            "subscribe", EventKey=event_key, **({"Ticket": ticket} if ticket else {})
        )

    def unfollows(self) -> Push:
        self._only("official", following=True)
        self.following = False
        self.allowance.end()
        return self._event("unsubscribe", EventKey="")

    def clicks(self, key: str) -> Push:
        """A menu button of type click; ValueError if the menu has none with that key."""
        self._on_menu("click", "key", key)
        self.allowance.grant("click", self.vendor.clock())
        return self._event("CLICK", EventKey=key)

    def opens(self, url: str) -> Push:
        """A menu button of type view; it allows no customer-service message."""
        self._on_menu("view", "url", url)
        return self._event("VIEW", EventKey=url, MenuId=self.vendor.menu_id)

    def scans(self, ticket: str) -> Push:
        return self.vendor.scan(self.openid, ticket)

    def reports_location(self, latitude: float, longitude: float, precision: float = 65.0) -> Push:
        self._only("official", following=True)
        fields = {"Latitude": latitude, "Longitude": longitude, "Precision": precision}
        return self._event("LOCATION", **fields)

    # Mini-programs.

    def enters(self, session_from: str = "") -> Push:
        """Opens the service session from a button with `session-from`."""
        self._only("miniprogram")
        self.allowance.grant("enter", self.vendor.clock())
        return self._event("user_enter_tempsession", SessionFrom=session_from)

    def sends_card(self, title: str, page_path: str, appid: str = "") -> Push:
        """A mini-program card (miniprogrampage)."""
        now = self.vendor.clock()
        thumb = self.vendor.media.keep("image", b"\xff\xd8", "image/jpeg", now)
        fields = {
            "Title": title,
            "AppId": appid or self.vendor.appid,
            "PagePath": page_path,
            "ThumbUrl": f"{self.vendor.url}/mmbiz_jpg/{thumb}/0",
            "ThumbMediaId": thumb,
        }
        return self._message("miniprogrampage", fields, "miniprogram")

    # What the documentation does not know, or what a forger sends.

    def pushes(self, kind: str, forged: dict[str, Any] | None = None, **fields: Any) -> Push:
        """A message of any type; `forged`: token, appid, aes_key or at (epoch s) to sign with."""
        return self._message(kind, fields, forged=forged)

    def has_event(self, event: str, forged: dict[str, Any] | None = None, **fields: Any) -> Push:
        """An event of any name."""
        return self._event(event, forged, **fields)

    def _message(
        self,
        kind: str,
        fields: dict[str, Any],
        only: str = "",
        scene: str = "message",
        forged: dict[str, Any] | None = None,
    ) -> Push:
        self._only(only or self.vendor.kind, following=True)
        self.spoke_at = self.vendor.clock()
        self.allowance.grant(scene, self.spoke_at)
        head = self._head(kind)
        return self.vendor.push(
            self.openid, {**head, **fields, "MsgId": self.vendor.next_msgid()}, forged
        )

    def _event(self, event: str, forged: dict | None = None, **fields: Any) -> Push:
        head = self._head("event")
        return self.vendor.push(self.openid, {**head, "Event": event, **fields}, forged)

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "ToUserName": self.vendor.original_id,
            "FromUserName": self.openid,
            "CreateTime": int(self.vendor.clock()),
            "MsgType": kind,
        }

    def _only(self, kind: str, following: bool = False) -> None:
        if self.vendor.kind != kind:
            raise ValueError(f"only with an account of kind {kind!r}")
        # From memory: who does not follow an official account has no chat with it.
        if following and kind == "official" and not self.following:
            raise ValueError(f"{self.openid} does not follow the account")

    def _on_menu(self, kind: str, name: str, value: str) -> None:
        self._only("official", following=True)
        top = (self.vendor.menu or {}).get("button", [])
        buttons = [*top, *(sub for one in top for sub in one.get("sub_button", []))]
        if not any(one.get("type") == kind and one.get(name) == value for one in buttons):
            raise ValueError(f"the menu has no {kind} button with {name} {value!r}")


def _choices(one: Seen) -> list[tuple[str, str]]:
    if one.kind == "msgmenu":
        return [(str(item["id"]), item["content"]) for item in one.content["list"]]
    return [(unquote(key), unquote(words)) for words, key in _MENU_LINK.findall(one.text)]
