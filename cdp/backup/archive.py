"""The archive: a compressed tar file whose last member is a manifest with a checksum of each.

A file that is cut off has no manifest, and one that was changed does not match it. While it is
written it has another name.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK = 1 << 20


class Damaged(RuntimeError):
    """The archive is not whole, or not one of ours; the message says what was found."""


class Writer:
    """An archive that is being written; `close` gives it its name."""

    def __init__(self, path: Path):
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever reads it has everything the shop knows.
        handle = os.open(self._part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        self._file = os.fdopen(handle, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w:gz", compresslevel=3)  # noqa: SIM115
        self._members: dict[str, dict] = {}

    def add(self, name: str, content: bytes) -> None:
        """A member of these bytes."""
        self._add(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, path: Path) -> bool:
        """A member that is a copy of a file; False if it was taken away meanwhile."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            self._add(name, file, os.fstat(file.fileno()).st_size)
        return True

    def close(self, facts: Mapping[str, Any]) -> dict:
        """Write the manifest with these facts, and name the archive; the manifest."""
        manifest = {"format": FORMAT, **facts, "members": self._members}
        self.add(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._part, self._path)
        return manifest

    def abandon(self) -> None:
        """Take away what was written."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _add(self, name: str, file: BinaryIO, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = _Hashed(file)
        self._tar.addfile(info, hashed)
        if name != MANIFEST:
            self._members[name] = {"size": size, "sha256": hashed.digest()}


class _Hashed:
    """A file whose content is hashed as it is read."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._hash.update(content)
        return content

    def digest(self) -> str:
        return self._hash.hexdigest()


def unpack(path: Path, to: Path) -> dict:
    """Unpack an archive into an empty folder and give its manifest.

    Raises:
        Damaged: it is not whole; the folder may hold some of it then.
        FileNotFoundError: there is none.
    """
    found: dict[str, dict] = {}
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                _check_name(member)
                target = to / member.name
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                content = tar.extractfile(member)
                found[member.name] = _copy(content, target)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, FileNotFoundError) and not path.exists():
            raise
        raise Damaged(f"{path.name}: {error}; expected an archive as `backup` writes it") from error
    return _checked(path, to, found)


def _checked(path: Path, to: Path, found: dict[str, dict]) -> dict:
    if found.pop(MANIFEST, None) is None:
        raise Damaged(f"{path.name}: it has no manifest, so its end is missing")
    manifest = json.loads((to / MANIFEST).read_text(encoding="utf-8"))
    (to / MANIFEST).unlink()
    if manifest.get("format") != FORMAT:
        raise Damaged(f"{path.name}: format {manifest.get('format')!r}, expected {FORMAT}")
    wanted = manifest["members"]
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            what = "missing" if name not in found else "not what the manifest says"
            raise Damaged(f"{path.name}: {name} is {what}")
    return manifest


def _check_name(member: tarfile.TarInfo) -> None:
    parts = PurePosixPath(member.name).parts
    if not member.isreg() or member.name.startswith("/") or ".." in parts:
        raise Damaged(f"{member.name!r}: expected a plain file within the archive")


def _copy(content: BinaryIO, target: Path) -> dict:
    hashed, size = hashlib.sha256(), 0
    with os.fdopen(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        while block := content.read(_CHUNK):
            hashed.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return {"size": size, "sha256": hashed.hexdigest()}
