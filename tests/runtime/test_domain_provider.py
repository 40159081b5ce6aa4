"""The domain of a model is read as Rasa reads it."""

from __future__ import annotations

from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.core.domain import Domain

from runtime.domain_provider import StoredDomainProvider


def test_it_is_rasas_own(tmp_path):
    kept = (LocalModelStorage.create(tmp_path), Resource("domain_provider"))
    DomainProvider(*kept)._persist(Domain.load("domain.yml"))
    ours, theirs = (
        kind.load({}, *kept, None).provide_inference()
        for kind in (StoredDomainProvider, DomainProvider)
    )
    assert type(ours) is type(theirs) and ours.fingerprint() == theirs.fingerprint()
    assert ours.as_dict() == theirs.as_dict() and "utter_greet" in ours.responses
