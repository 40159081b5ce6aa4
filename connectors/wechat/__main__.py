"""The official account's commands: `python -m connectors.wechat --help`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from connectors.plain import absolute
from connectors.tencent import ApiError, NoAnswer, NotReached
from connectors.wechat import templates
from connectors.wechat.client import Account, Client

MENU = Path(__file__).with_name("menu.yml")
MOST_DAYS = 30
_PICTURE = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket="


class BadMenu(ValueError):
    """A menu that WeChat would refuse; the message says where and what was expected."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 if it did not do what it should, with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m connectors.wechat", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    code = commands.add_parser("code", help="make a QR code whose scene tells where it hung")
    code.add_argument("scene", help="1 to 64 characters, such as store-12 or douyin-live-1111")
    code.add_argument("--days", type=int, help=f"1 to {MOST_DAYS}; for ever unless given")
    menu = commands.add_parser("menu", help="put up the menu under the chat")
    menu.add_argument("file", type=Path, nargs="?", default=MENU)
    listed = commands.add_parser("templates", help="show the account's templates; check the file")
    listed.add_argument("file", type=Path, nargs="?", default=os.environ.get("WECHAT_TEMPLATES"))
    options = parser.parse_args(arguments)
    try:
        account = Account.from_environment()
        if account is None:
            raise ValueError("WECHAT_APP_ID: expected the account's app id")
        print(asyncio.run(_COMMANDS[options.command](account, options)))
    except (ValueError, OSError, yaml.YAMLError, ApiError, NotReached, NoAnswer) as error:
        print(error or type(error).__name__, file=sys.stderr)
        return 1
    return 0


async def _code(account: Account, options: argparse.Namespace) -> str:
    if not 1 <= len(options.scene) <= 64:
        raise ValueError("scene: expected 1 to 64 characters")
    if options.days is not None and not 1 <= options.days <= MOST_DAYS:
        raise ValueError(f"--days: expected 1 to {MOST_DAYS}")
    scene = {"action_info": {"scene": {"scene_str": options.scene}}}
    body: dict[str, Any] = {"action_name": "QR_LIMIT_STR_SCENE", **scene}
    if options.days:
        seconds = options.days * 86_400
        body = {"action_name": "QR_STR_SCENE", "expire_seconds": seconds, **scene}
    told = await _call(account, "/cgi-bin/qrcode/create", body)
    return f"{told['url']}\n{_PICTURE}{quote(told['ticket'])}"


async def _menu(account: Account, options: argparse.Namespace) -> str:
    buttons = menu_of(yaml.load(options.file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    await _call(account, "/cgi-bin/menu/create", {"button": buttons})
    return "the menu is up; shoppers see it within a day, or when they follow anew"


async def _templates(account: Account, options: argparse.Namespace) -> str:
    told = await _call(account, "/cgi-bin/template/get_all_private_template", None)
    theirs = {one["template_id"]: one for one in told["template_list"]}
    lines = [
        f"{number} {one['title']}: {', '.join(templates.keywords(one['content']))}"
        for number, one in theirs.items()
    ]
    mine = templates.load(Path(options.file)) if options.file else {}
    for name, one in mine.items():
        if one.template_id not in theirs:
            raise templates.BadTemplates(f"{name}: the account has no template {one.template_id}")
        wanted = set(templates.keywords(theirs[one.template_id]["content"]))
        if wanted != set(one.fields):
            raise templates.BadTemplates(f"{name}, fields: expected {sorted(wanted)}")
    return "\n".join([*lines, f"{len(mine)} messages have a template"])


async def _call(account: Account, path: str, body: dict | None) -> dict:
    client = Client(account)
    try:
        return await client.call(path, body)
    finally:
        await client.close()


def menu_of(told: Any) -> list[dict]:
    """A menu as WeChat takes it, of what a file says.

    Raises:
        BadMenu: too many, a name too long, or neither `says` nor `opens`.
    """
    return [
        {"name": one["name"], "sub_button": _entries(one["items"], 5, 60, one["name"])}
        if isinstance(one, Mapping) and one.get("items")
        else _button(one, 16, f"menu, entry {place}")
        for place, one in enumerate(_checked(told, 3, "menu"), 1)
    ]


def _entries(told: Any, most: int, longest: int, where: str) -> list[dict]:
    listed = _checked(told, most, where)
    return [_button(one, longest, f"{where}, entry {n}") for n, one in enumerate(listed, 1)]


def _checked(told: Any, most: int, where: str) -> list:
    if not isinstance(told, list) or not 1 <= len(told) <= most:
        raise BadMenu(f"{where}: expected a list of 1 to {most}")
    return told


def _button(one: Any, longest: int, where: str) -> dict:
    if not isinstance(one, Mapping) or set(one) not in ({"name", "says"}, {"name", "opens"}):
        raise BadMenu(f"{where}: expected name, and says or opens")
    if not 1 <= len(str(one["name"]).encode()) <= longest:
        raise BadMenu(f"{where}, name: expected at most {longest} bytes")
    if "says" in one:
        if not 1 <= len(str(one["says"]).encode()) <= 128:
            raise BadMenu(f"{where}, says: expected at most 128 bytes")
        return {"type": "click", "name": one["name"], "key": one["says"]}
    return {"type": "view", "name": one["name"], "url": absolute(str(one["opens"]))}


_COMMANDS = {"code": _code, "menu": _menu, "templates": _templates}

if __name__ == "__main__":
    sys.exit(main())
