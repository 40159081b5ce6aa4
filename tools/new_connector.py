"""A new vendor's channel, as a skeleton that works: `make new-connector NAME=acme`.

Writes `connectors/<name>/`, `tests/connectors/<name>/` and a line in `credentials.yml`, from
`tools/connector/`, where every `acme` is the name. Nothing else is touched.
"""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from pathlib import Path

TEMPLATES = Path(__file__).with_name("connector")
# Where each template goes, in the project.
PLACES = {
    "connectors": "connectors/{name}",
    "tests": "tests/connectors/{name}",
    "tests/payloads": "tests/connectors/{name}/payloads/webhook-1",
}
_NAME = re.compile(r"[a-z][a-z0-9]{1,23}")
_LINE = """
# Acme, a vendor in the making: connectors/acme/README.md.
connectors.acme.channel.AcmeInput:
"""


class BadName(ValueError):
    """A name that no channel can have; says why."""


def make(name: str, project: Path) -> list[Path]:
    """Write a connector of that name into a project; the files written.

    Raises:
        BadName: it is no name of a folder and a class, or there is something of that name.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise BadName(f"NAME={name!r}: expected 2 to 24 of a-z and 0-9, a letter first")
    folders = [project / "connectors" / name, project / "tests" / "connectors" / name]
    for there in (*folders, folders[0].with_suffix(".py"), folders[1].with_suffix(".py")):
        if there.exists():
            raise BadName(f"NAME={name!r}: {there.relative_to(project)} is there already")
    made = [_write(project, name, file) for file in sorted(TEMPLATES.rglob("*.txt"))]
    for folder in folders:
        made.append(folder / "__init__.py")
        made[-1].write_text("", encoding="utf-8")
    _tidy(project, [file for file in made if file.suffix == ".py"])
    credentials = project / "credentials.yml"
    told = credentials.read_text(encoding="utf-8")
    credentials.write_text(told.rstrip("\n") + "\n" + _named(_LINE, name), encoding="utf-8")
    return [*made, credentials]


def _write(project: Path, name: str, template: Path) -> Path:
    place = PLACES[str(template.parent.relative_to(TEMPLATES))].format(name=name)
    file = (
        project / place / template.name.removesuffix(".txt").replace("test_channel", f"test_{name}")
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_named(template.read_text(encoding="utf-8"), name), encoding="utf-8")
    return file


def _tidy(project: Path, files: list[Path]) -> None:
    """The order of imports and the length of lines go by the name."""
    for how in (["check", "-q", "--select", "I", "--fix"], ["format", "-q"]):
        subprocess.run([sys.executable, "-m", "ruff", *how, *files], cwd=project, check=True)


def _named(text: str, name: str) -> str:
    for word in ("acme", "Acme", "ACME"):
        text = text.replace(word, {"acme": name, "Acme": name.capitalize()}.get(word, name.upper()))
    return text


def main(arguments: list[str]) -> int:
    """Write one; 1 and one sentence if it cannot."""
    if len(arguments) != 1 or not arguments[0]:
        print("usage: make new-connector NAME=acme", file=sys.stderr)
        return 1
    try:
        made = make(arguments[0], Path.cwd())
    except BadName as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(str(file.relative_to(Path.cwd())) for file in made))
    print(f"next: docs/channels.md, and what connectors/{arguments[0]}/manifest.yml calls todo")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
