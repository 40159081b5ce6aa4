"""The people of a test: shoppers in WeChat, and members of the enterprise."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.vendors.wecom import media
from tests.vendors.wecom.desk import QUOTA, WINDOW, Session
from tests.vendors.wecom.records import Seen


class _Person:
    """`seen`: what the person saw, in order."""

    def __init__(self, vendor):
        self.vendor = vendor
        self.seen: list[Seen] = []

    def sees(self, by: str, msgtype: str, text: str, body: dict, msgid: str = "") -> None:
        self.seen.append(Seen(by, msgtype, text, body, self.vendor.clock(), msgid))

    @property
    def texts(self) -> list[str]:
        """The texts of what was seen."""
        return [one.text for one in self.seen]


class Shopper(_Person):
    """Acts name an account by `kfid`, by default the one entered last, or the first of all.

    What is written is kept at once; the callback is tried unless callbacks are held.
    """

    def __init__(self, vendor, name: str):
        super().__init__(vendor)
        self.name = name
        digest = hashlib.sha256(name.encode()).hexdigest()
        self.external_userid = f"wm{digest[:30]}"
        self.unionid = f"o{digest[30:57]}"
        self.refuses = False
        self._kfid = ""

    def profile(self) -> dict[str, Any]:
        """What the vendor tells of anybody; the unionid where a developer account is bound."""
        known = {"avatar": "https://wx.qlogo.cn/mmhead/0", "gender": 0}
        return {**known, "unionid": self.unionid} if self.vendor.tells_unionid else known

    def session(self, kfid: str = "") -> Session:
        chosen = kfid or self._kfid or next(iter(self.vendor.desk.accounts))
        return self.vendor.desk.session(chosen, self.external_userid)

    def opens(self, url: str) -> dict | None:
        """Enter by a link; None, and no event, where the link was tampered with."""
        found = self.vendor.desk.linked(url)
        return self.enters(*found) if found else None

    def enters(self, kfid: str = "", scene: str = "", scene_param: str = "") -> dict:
        """The event enter_session.

        welcome_code: only to a shopper who in 48 h neither wrote nor was welcomed, and where no
        welcome is set in the console.
        """
        with self.vendor.acting():
            session = self.session(kfid)
            self._kfid = session.kfid
            now = self.vendor.clock()
            quiet = all(
                at is None or at < now - WINDOW for at in (session.said_at, session.welcomed_at)
            )
            session.entered_at = now
            session.entered = {"scene": scene, "scene_param": scene_param}
            more = dict(session.entered)
            if quiet and not self.vendor.desk.accounts[session.kfid].native_welcome:
                more["welcome_code"] = self.vendor.desk.code(session, "welcome")
            return self.vendor.desk.event(session, "enter_session", **more)

    def says(self, text: str, kfid: str = "") -> dict:
        return self.sends("text", {"content": text}, kfid)

    def clicks(self, item: str, kfid: str = "") -> dict:
        """Click an item of the newest menu that has it, by its id or its words."""
        for seen in reversed(self.seen):
            for one in seen.body.get("list", []) if seen.msgtype == "msgmenu" else []:
                inner = one.get("click", {})
                if one["type"] == "click" and item in (inner["id"] or None, inner["content"]):
                    said = {"content": inner["content"], "menu_id": inner["id"]}
                    return self.sends("text", said, kfid)
        raise LookupError(f"{self.name} sees no item {item!r} to click")

    def sends_image(self, content: bytes = media.JPG, kfid: str = "") -> dict:
        return self._sends_media("image", content, "image.jpg", "image/jpeg", kfid)

    def sends_video(self, content: bytes = media.MP4, kfid: str = "") -> dict:
        return self._sends_media("video", content, "video.mp4", "video/mp4", kfid)

    def sends_file(self, content: bytes, name: str = "发票.pdf", kfid: str = "") -> dict:
        return self._sends_media("file", content, name, "application/octet-stream", kfid)

    def sends_voice(
        self, content: bytes = media.AMR, silk: bytes = media.SILK, kfid: str = ""
    ) -> dict:
        """One recording in both formats; sync_msg's voice_format chooses."""
        other = self.vendor.media.keep("voice", silk, "voice.silk", "audio/silk")
        return self._sends_media("voice", content, "voice.amr", "audio/amr", kfid, other)

    def sends_location(self, name: str, address: str, at: tuple[float, float]) -> dict:
        place = {"latitude": at[0], "longitude": at[1], "name": name, "address": address}
        return self.sends("location", place)

    def sends_link(self, title: str, url: str, desc: str = "") -> dict:
        pic = "https://wework.qpic.cn/wwpic/link/0"
        return self.sends("link", {"title": title, "desc": desc, "url": url, "pic_url": pic})

    def sends_card(self, userid: str) -> dict:
        return self.sends("business_card", {"userid": userid})

    def sends_miniprogram(self, appid: str, pagepath: str, title: str = "商品") -> dict:
        thumb = self.vendor.media.keep("image", media.JPG, "thumb.jpg", "image/jpeg")
        page = {"title": title, "appid": appid, "pagepath": pagepath, "thumb_media_id": thumb}
        return self.sends("miniprogram", page)

    def _sends_media(self, kind, content: bytes, name: str, mime: str, kfid: str, silk="") -> dict:
        if len(content) > media.RECEIVED[kind]:
            return self.says("[文件过大，暂不支持接收]", kfid)
        media_id = self.vendor.media.keep(kind, content, name, mime)
        return self.sends(kind, {"media_id": media_id}, kfid, silk)

    def sends(self, msgtype: str, body: dict, kfid: str = "", silk: str = "") -> dict:
        """Any message, of unknown types too (channels_shop_product, merged_msg, note, …).

        It begins a session where none is; five answers may follow.
        """
        with self.vendor.acting():
            session = self.session(kfid)
            self._kfid = session.kfid
            if session.state == 4:
                self._begin(session)
            session.said_at, session.left = self.vendor.clock(), QUOTA
            message = {
                "open_kfid": session.kfid,
                "external_userid": self.external_userid,
                "origin": 3,
                "msgtype": msgtype,
                msgtype: body,
            }
            return self.vendor.inbox.put(session.kfid, message, silk)

    def _begin(self, session: Session) -> None:
        """By the account's reception; a person only where one is receiving, else the pool."""
        account = self.vendor.desk.accounts[session.kfid]
        session.ended = session.expired = False
        session.state, session.servicer = account.reception, ""
        if account.reception == 3:
            ready = [userid for userid, receiving in account.servicers.items() if receiving]
            session.state, session.servicer = (3, ready[0]) if ready else (2, "")

    def recalls(self, message: dict) -> dict:
        """Take a message back: the event user_recall_msg."""
        with self.vendor.acting():
            session = self.session(message["open_kfid"])
            said = {"recall_msgid": message["msgid"]}
            return self.vendor.desk.event(session, "user_recall_msg", **said)

    def adds(self, code: str, userid: str = "") -> None:
        """Become a contact by a config_id or QR code, or of a member by userid without one."""
        with self.vendor.acting():
            way = self.vendor.contacts.found(code)
            chosen = userid or (way.users[0] if way else code)
            state = way.state if way else ""
            self.vendor.contacts.add(self.external_userid, chosen, state, int(way is not None))

    def removes(self, userid: str) -> None:
        """The shopper deletes the member: del_follow_user."""
        with self.vendor.acting():
            self.vendor.contacts.remove(self.external_userid, userid, by_shopper=True)


class Member(_Person):
    """A member: writes to the app, serves customers, and has contacts."""

    def __init__(self, vendor, userid: str):
        super().__init__(vendor)
        self.userid = userid
        self.contacts = True
        self.native_welcome = False

    def says(self, text: str) -> str:
        return self.sends("text", Content=text)

    def sends_image(self, content: bytes = media.JPG) -> str:
        media_id = self.vendor.media.keep("image", content, "image.jpg", "image/jpeg")
        url = "https://wework.qpic.cn/wwpic/image/0"
        return self.sends("image", PicUrl=url, MediaId=media_id)

    def sends_voice(self, content: bytes = media.AMR) -> str:
        media_id = self.vendor.media.keep("voice", content, "voice.amr", "audio/amr")
        return self.sends("voice", MediaId=media_id, Format="amr")

    def sends_location(self, label: str, latitude: float, longitude: float) -> str:
        at = {"Location_X": latitude, "Location_Y": longitude, "Scale": 15}
        return self.sends("location", **at, Label=label, AppType="wxwork")

    def clicks(self, key: str) -> None:
        """A menu of the app: event click."""
        self.sends("event", Event="click", EventKey=key)

    def enters(self) -> None:
        """Open the app: event enter_agent."""
        self.sends("event", Event="enter_agent", EventKey="")

    def sends(self, msgtype: str, **fields: Any) -> str:
        """Any message or event to the app; the MsgId or ""."""
        with self.vendor.acting():
            return self.vendor.app_messages.receive(self.userid, msgtype, fields)

    def receives(self, on: bool, kfid: str = "") -> dict:
        """Begin or stop to receive customers: servicer_status_change, 1 or 2."""
        with self.vendor.acting():
            desk = self.vendor.desk
            chosen = kfid or next(iter(desk.accounts))
            desk.accounts[chosen].servicers[self.userid] = on
            event = {
                "event_type": "servicer_status_change",
                "servicer_userid": self.userid,
                "status": 1 if on else 2,
                "open_kfid": chosen,
            }
            message = {"origin": 4, "msgtype": "event", "event": event}
            return self.vendor.inbox.put(chosen, message)

    def takes(self, shopper: Shopper, kfid: str = "") -> dict:
        """Take a waiting shopper out of the pool: change_type 1 with a msg_code."""
        return self._moves(shopper, kfid, (2,), 3, self, 1)

    def hands_on(self, shopper: Shopper, other: Member, kfid: str = "") -> dict:
        """Hand a shopper on to another servicer: change_type 2."""
        return self._moves(shopper, kfid, (3,), 3, other, 2)

    def ends(self, shopper: Shopper, kfid: str = "") -> dict:
        """End the session: change_type 3 with a msg_code of 20 s."""
        return self._moves(shopper, kfid, (3,), 4, None, 3)

    def _moves(self, shopper, kfid, expected, state: int, to: Member | None, change: int) -> dict:
        with self.vendor.acting():
            session = shopper.session(kfid)
            if session.state not in expected:
                raise RuntimeError(f"state {session.state}, where a servicer cannot do this")
            old, session.state = session.servicer, state
            session.servicer, session.ended = (to.userid if to else ""), state == 4
            code = self.vendor.desk.code(session, state) if change in (1, 3) else ""
            return self.vendor.desk.told(session, change, old, session.servicer, code)

    def answers(self, shopper: Shopper, text: str, kfid: str = "") -> dict:
        """Write to a shopper from the client (origin 5); takes an ended session up again."""
        with self.vendor.acting():
            session = shopper.session(kfid)
            if session.state == 4 and session.said_at is not None:
                session.state, session.servicer, session.ended = 3, self.userid, False
                session.expired = False
                self.vendor.desk.told(session, 4, "", self.userid)
            if session.state != 3 or session.servicer != self.userid:
                raise RuntimeError(f"{self.userid} does not serve this shopper")
            message = {
                "open_kfid": session.kfid,
                "external_userid": shopper.external_userid,
                "servicer_userid": self.userid,
                "origin": 5,
                "msgtype": "text",
                "text": {"content": text},
            }
            shopper.sees(self.userid, "text", text, message["text"])
            return self.vendor.inbox.put(session.kfid, message)

    def confirms(self) -> None:
        """Send on the messages to contacts (企业群发) that wait for it."""
        with self.vendor.acting():
            self.vendor.contacts.confirm(self.userid)

    def removes(self, shopper: Shopper) -> None:
        """The member deletes the contact: del_external_contact."""
        with self.vendor.acting():
            self.vendor.contacts.remove(shopper.external_userid, self.userid, by_shopper=False)
