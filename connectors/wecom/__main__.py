"""WeCom's commands: `python -m connectors.wecom --help`."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys

from connectors.tencent import ApiError, NoAnswer, NotReached
from connectors.wecom.client import APP, KF, Client, Corp

MOST_STATE, MOST_MEMBERS = 30, 100
_SCENE = re.compile(r"[0-9a-zA-Z_-]{1,32}")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 if it did not do what it should, with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m connectors.wecom", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    code = commands.add_parser("code", help="make a code (渠道活码) that adds a member as contact")
    code.add_argument("state", help="where it hangs: at most 30 characters, such as store-12")
    code.add_argument("--user", action="append", required=True, help="a member; several take turns")
    code.add_argument("--ask", action="store_true", help="the member confirms each contact")
    link = commands.add_parser("link", help="make a link to a customer service account")
    link.add_argument("account", help="its open_kfid (wk…)")
    link.add_argument("scene", help="where it stands: 1 to 32 letters, digits, _ and -")
    options = parser.parse_args(arguments)
    try:
        print(asyncio.run(_COMMANDS[options.command](options)))
    except (ValueError, ApiError, NotReached, NoAnswer) as error:
        print(error or type(error).__name__, file=sys.stderr)
        return 1
    return 0


async def _code(options: argparse.Namespace) -> str:
    """Document 92572; WeCom shows such a code nowhere, so its config_id is to be kept."""
    if not 1 <= len(options.state) <= MOST_STATE:
        raise ValueError(f"state: expected 1 to {MOST_STATE} characters")
    if len(options.user) > MOST_MEMBERS:
        raise ValueError(f"--user: expected at most {MOST_MEMBERS}")
    way = {
        "type": 1 if len(options.user) == 1 else 2,
        "scene": 2,
        "state": options.state,
        "remark": options.state,
        "skip_verify": not options.ask,
        "user": options.user,
    }
    told = await _call(APP, "/cgi-bin/externalcontact/add_contact_way", way)
    return f"{told['qr_code']}\nconfig_id {told['config_id']}"


async def _link(options: argparse.Namespace) -> str:
    """Document 94665."""
    if not _SCENE.fullmatch(options.scene):
        raise ValueError("scene: expected 1 to 32 letters, digits, _ and -")
    asked = {"open_kfid": options.account, "scene": options.scene}
    return (await _call(KF, "/cgi-bin/kf/add_contact_way", asked))["url"]


async def _call(names: tuple[str, str, str], path: str, body: dict) -> dict:
    corp = Corp.from_environment(names)
    if corp is None:
        raise ValueError(f"WECOM_CORP_ID, {names[0]}: expected both")
    client = Client(corp)
    try:
        return await client.call(path, body)
    finally:
        await client.close()


_COMMANDS = {"code": _code, "link": _link}

if __name__ == "__main__":
    sys.exit(main())
