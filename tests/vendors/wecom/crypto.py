"""WeCom's callback cryptography (developer.work.weixin.qq.com, 加解密方案说明).

signature = sha1 of sorted, joined (token, timestamp, nonce, Encrypt); AES-256-CBC, key = the
43-character EncodingAESKey plus "=", IV = its first 16 bytes, PKCS#7 to 32; plaintext = 16 random
bytes, 4-byte big-endian length, message, receiver id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32


def signature(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    joined = "".join(sorted((token, timestamp, nonce, encrypted)))
    return hashlib.sha1(joined.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _cipher(aes_key: str) -> Cipher:
    key = base64.b64decode(aes_key + "=")
    if len(aes_key) != 43 or len(key) != 32:
        raise ValueError("an EncodingAESKey has 43 characters, which decode to 32 bytes")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def encrypt(aes_key: str, message: str, receiver: str) -> str:
    content = message.encode()
    plain = secrets.token_bytes(16) + struct.pack(">I", len(content)) + content + receiver.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    worker = _cipher(aes_key).encryptor()
    done = worker.update(plain + bytes([padding]) * padding) + worker.finalize()
    return base64.b64encode(done).decode()


def decrypt(aes_key: str, encrypted: str) -> tuple[str, str]:
    """(message, receiver id). ValueError when it is not what `encrypt` makes."""
    worker = _cipher(aes_key).decryptor()
    plain = worker.update(base64.b64decode(encrypted, validate=True)) + worker.finalize()
    padding = plain[-1] if plain else 0
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
        raise ValueError("wrong padding")
    body = plain[16:-padding]
    if len(body) < 4:
        raise ValueError("too short")
    length = struct.unpack(">I", body[:4])[0]
    if length > len(body) - 4:
        raise ValueError("wrong length")
    return body[4 : 4 + length].decode(), body[4 + length :].decode()
