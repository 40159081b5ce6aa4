"""Signatures of the Douyin shop's open platform (抖店开放平台) and of our callback address.

Source: op.jinritemai.com, "API 调用指南": `sign_method=hmac-sha256` over app_secret + the sorted
pairs app_key, method, param_json, timestamp, v + app_secret; `param_json` has sorted keys and no
spaces, and is sent as it was signed.
"""

from __future__ import annotations

import hashlib
import hmac
import json

API = "2"


def param_json(parameters: dict) -> str:
    """The parameters as they are signed and sent."""
    return json.dumps(parameters, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sign(app_key: str, app_secret: str, method: str, parameters: str, timestamp: str) -> str:
    """64 hex digits."""
    pairs = {
        "app_key": app_key,
        "method": method,
        "param_json": parameters,
        "timestamp": timestamp,
        "v": API,
    }
    told = "".join(f"{name}{pairs[name]}" for name in sorted(pairs))
    return hmac.new(
        app_secret.encode(), f"{app_secret}{told}{app_secret}".encode(), hashlib.sha256
    ).hexdigest()


def callback_token(app_secret: str) -> str:
    """The part of our callback's address that only the platform is told."""
    return hmac.new(app_secret.encode(), b"click callback", hashlib.sha256).hexdigest()[:32]
