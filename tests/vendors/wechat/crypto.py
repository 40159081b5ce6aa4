"""Signatures and AES of the vendor's "消息加解密", written apart from any client."""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def signature(*parts: str) -> str:
    """Hex SHA-1 of the sorted, joined parts."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def seal(plain: str, aes_key: str, appid: str) -> str:
    """Base64 of AES-CBC over 16 random bytes, the length (4 bytes), the text, the appid."""
    content = plain.encode()
    block = secrets.token_bytes(16) + struct.pack(">I", len(content)) + content + appid.encode()
    pad = 32 - len(block) % 32
    cipher = _cipher(aes_key).encryptor()
    return base64.b64encode(cipher.update(block + bytes([pad]) * pad) + cipher.finalize()).decode()


def unseal(sealed: str, aes_key: str, appid: str) -> str:
    """The text; ValueError says which part is wrong."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        cipher = _cipher(aes_key).decryptor()
        block = cipher.update(raw) + cipher.finalize()
    except ValueError as fault:
        raise ValueError(f"Encrypt is no AES-CBC in base64: {fault}") from fault
    pad = block[-1] if block else 0
    if not 1 <= pad <= 32 or block[-pad:] != bytes([pad]) * pad or len(block) % 32:
        raise ValueError("padding is not PKCS#7 of 32")
    content = block[16:-pad]
    (length,) = struct.unpack(">I", content[:4])
    if content[4 + length :].decode(errors="replace") != appid:
        raise ValueError("the appid within does not match")
    return content[4 : 4 + length].decode()


def _cipher(aes_key: str) -> Cipher:
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
