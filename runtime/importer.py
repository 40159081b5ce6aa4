"""Rasa's importer of the project's files, with the answers in other languages.

In config.yml:

    importers:
    - name: runtime.importer.LanguageImporter

`domain.yml` says everything in Chinese. `actions/responses.<language>.yml` says the same in another
language, as a mapping from a response to its texts; each becomes a variation of that response with
the condition that slot `language` is the file's. A response that a file lacks is said in Chinese.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.exceptions import RasaException
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.utils.io import read_yaml_file

FOLDER = Path(__file__).parent.parent / "actions"


class LanguageImporter(RasaFileImporter):
    """The project's files as Rasa reads them, answers in every language there is a file for."""

    def get_domain(self) -> Domain:
        """The domain with a variation of each response for each language.

        Raises:
            RasaException: a file answers with a response that the domain does not have.
        """
        domain = super().get_domain()
        if domain.is_empty():
            return domain
        told = domain.as_dict()
        for path in sorted(FOLDER.glob("responses.*.yml")):
            language = path.name.split(".")[1]
            for name, texts in read_yaml_file(path).items():
                if name not in told["responses"]:
                    raise RasaException(f"{path}: {name} is no response of domain.yml")
                told["responses"][name] += [_variation(text, language) for text in texts]
        return Domain.from_dict(told)


def _variation(text: str, language: str) -> dict[str, Any]:
    condition = {"type": "slot", "name": "language", "value": language}
    return {"text": text, "condition": [condition]}
