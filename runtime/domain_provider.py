"""The domain of a trained model, read once.

Rasa reads and validates it as if somebody had just written it, and then reads it again: two of the
ten seconds that a server takes to start. Here it is what training has validated and written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.core.domain import Domain
from rasa.shared.utils.io import read_file, read_yaml


class StoredDomainProvider(DomainProvider):
    """Rasa's provider, for inference alone."""

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> StoredDomainProvider:
        """The provider with the domain that training has kept."""
        with model_storage.read_from(resource) as folder:
            stored = read_yaml(read_file(Path(folder) / "domain.yml"))
        return cls(model_storage, resource, Domain.from_dict(stored))
