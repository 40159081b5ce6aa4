"""Whose an event is: its identifiers as entries of `body["ids"]`, opaque ones as they are, phones
and e-mail addresses as a keyed hash, a mask and an encrypted value."""

from __future__ import annotations

from cdp import keys
from cdp.intake.clean import IDENTIFIER_FIELDS, plain
from cdp.intake.refusal import INVALID, Refusal

OPAQUE = (
    "user_id",
    "anonymous_id",
    "conversation",
    "openid",
    "unionid",
    "slack_id",
    "external_userid",
    "device_id",
)
MOST = 20

_EXTERNAL = {
    **{plain(kind): kind for kind in OPAQUE},
    **IDENTIFIER_FIELDS,
    "wechatopenid": "openid",
    "wechatunionid": "unionid",
    "ios.idfa": "device_id",
    "ios.idfv": "device_id",
    "android.idfa": "device_id",
    "android.id": "device_id",
    "oaid": "device_id",
}


class Identifiers:
    """The identifiers of one event, each once, in the order they were found."""

    def __init__(self):
        self.entries: list[dict] = []
        self._seen: set[tuple[str, str]] = set()

    def add(self, kind: str, value: str | None) -> None:
        """Take one; what cannot be an identifier of that kind is left out."""
        if not value:
            return
        form = keys.form_of(kind, value)
        entry = _hashed(kind, form, value) if form else {"kind": kind, "key": value}
        if form == "email" and kind != "email":
            self.add("email", value)
        if entry is None or (kind, entry["key"]) in self._seen:
            return
        self._seen.add((kind, entry["key"]))
        self.entries.append(entry)
        if len(self.entries) > MOST:
            raise Refusal(INVALID, "context.externalIds", f"expected at most {MOST} identifiers")

    def add_external(self, listed) -> None:
        """Those of `context.externalIds` ([{"id", "type", …}]) whose type is known."""
        if not isinstance(listed, list):
            return
        for one in listed:
            if not isinstance(one, dict) or not isinstance(one.get("id"), str):
                continue
            kind = _EXTERNAL.get(plain(str(one.get("type") or "")))
            value = keys.normalise(kind, one["id"]) if kind else None
            if value and value.isprintable():
                self.add(kind, value)


def _hashed(kind: str, form: str, value: str) -> dict | None:
    normal = keys.normalise(form, value)
    if normal is None and kind == form:
        return None
    normal = normal or value
    by = keys.active_secret()
    return {
        "kind": kind,
        "key": keys.key_with(kind, normal, by),
        "shown": keys.mask(form, normal),
        "enc": keys.encrypt(normal),
        "v": keys.fingerprint(by),
    }
