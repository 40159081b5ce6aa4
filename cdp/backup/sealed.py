"""The keys in a backup: encrypted by a passphrase, since who has keys and data has everything.

`QUDAO_BACKUP_KEY` → scrypt (RFC 7914; n 2^15, r 8, p 1) → Fernet. In demo mode, without one, they
lie in the archive as they are.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from storage.secrets import demo_mode, secret

PASSPHRASE = "QUDAO_BACKUP_KEY"
# What this shop draws itself. Vendors' secrets can be had again from the vendors.
NAMES = ("CDP_HASH_KEY", "CDP_ENCRYPTION_KEY", "QUDAO_SECRET", "QUDAO_ACTION_TOKEN", "RASA_TOKEN")
OPEN, SEALED = "keys.json", "keys.sealed"
_COST = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 64 << 20, "dklen": 32}


class WrongPassphrase(RuntimeError):
    """`QUDAO_BACKUP_KEY` is not the one the archive's keys were encrypted with."""


def pack(folder: Path) -> tuple[str, bytes]:
    """Name and content of the member with the keys: those of the environment, and a folder's files.

    Raises:
        storage.secrets.MissingSecret: no passphrase, outside demo mode.
    """
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    keys = {
        "environment": {name: os.environ[name] for name in NAMES if os.environ.get(name)},
        "files": {
            one.name: one.read_text(encoding="utf-8")
            for one in files
            if one.is_file() and not one.name.startswith((".", "tmp"))
        },
    }
    content = json.dumps(keys).encode()
    if demo_mode() and not os.environ.get(PASSPHRASE):
        return OPEN, content
    salt = secrets.token_bytes(16)
    token = _fernet(secret(PASSPHRASE), salt).encrypt(content)
    sealed = {"salt": base64.b64encode(salt).decode(), "token": token.decode()}
    return SEALED, json.dumps(sealed).encode()


def unpack(name: str, content: bytes) -> dict[str, dict[str, str]]:
    """{"environment": name → value, "files": name → text}.

    Raises:
        WrongPassphrase, storage.secrets.MissingSecret
    """
    if name == OPEN:
        return json.loads(content)
    sealed = json.loads(content)
    # Demo mode would draw a passphrase of its own, which opens nothing.
    given = os.environ.get(PASSPHRASE) or ("" if demo_mode() else secret(PASSPHRASE))
    try:
        fernet = _fernet(given, base64.b64decode(sealed["salt"]))
        return json.loads(fernet.decrypt(sealed["token"].encode()))
    except InvalidToken as error:
        raise WrongPassphrase(
            f"{PASSPHRASE} does not open the keys of this archive; expected the passphrase it was "
            f"made with"
        ) from error


def _fernet(passphrase: str, salt: bytes) -> Fernet:
    made = hashlib.scrypt(passphrase.encode(), salt=salt, **_COST)
    return Fernet(base64.urlsafe_b64encode(made))
