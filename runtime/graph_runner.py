"""The model's graph, its nodes run in an order that is worked out once.

Rasa asks dask for the order again at every prediction, and looks for what each node is given. The
nodes, and what each is given, are the same here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rasa.shared.utils.io
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.exceptions import GraphComponentException, GraphRunError
from rasa.engine.graph import GraphNode, GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import (
    MODEL_ARCHIVE_METADATA_FILE,
    LocalModelStorage,
)
from rasa.engine.storage.storage import ModelMetadata
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.exceptions import RasaException

from runtime.domain_provider import StoredDomainProvider

_GIVEN = (PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER)


class OrderedGraphRunner(DaskGraphRunner):
    """A graph runner that remembers the order of the nodes for each set of targets."""

    def run(
        self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None
    ) -> dict[str, Any]:
        """The outputs of the target nodes, by name.

        Raises:
            GraphRunError: a node misses an input.
            GraphComponentException: a component failed.
        """
        wanted = tuple(targets or self._graph_schema.target_names)
        results = dict(inputs or {})
        for name, node, needs in self._order(wanted):
            if node._hooks or not node._eager:
                given = [(need, results[need]) for need in needs if need in results]
                results[name] = node(*given)[1]
            else:
                results[name] = _called(node, results)
        return {name: results[name] for name in wanted}

    def component(self, kind: type) -> Any:
        """The first component of that class, or None."""
        for node in self._instantiated_nodes.values():
            if isinstance(node._component, kind):
                return node._component
        return None

    def _order(self, targets: tuple[str, ...]) -> list[tuple]:
        known = self.__dict__.setdefault("_known_orders", {})
        if targets not in known:
            known[targets] = self._work_out_order(targets)
        return known[targets]

    def _work_out_order(self, targets: tuple[str, ...]) -> list[tuple]:
        nodes = self._graph_schema.nodes
        order: dict[str, tuple] = {}

        def visit(name: str) -> None:
            if name in order or name in _GIVEN or name not in nodes:
                return
            needs = tuple(dict.fromkeys(nodes[name].needs.values()))
            for need in needs:
                visit(need)
            order[name] = (name, self._instantiated_nodes[name], needs)

        for target in targets:
            visit(target)
        return list(order.values())


def _called(node: GraphNode, results: dict[str, Any]) -> Any:
    """What a node's component makes of the results before it, as `GraphNode` calls it."""
    try:
        given = {parameter: results[source] for parameter, source in node._inputs.items()}
    except KeyError as missing:
        raise GraphRunError(f"node {node._node_name!r}: expected an input {missing}") from missing
    try:
        return node._fn(node._component, **given)
    except RasaException:
        raise
    except Exception as error:
        raise GraphComponentException(f"node {node._node_name!r} failed") from error


class PredictOnlyStorage(LocalModelStorage):
    """A model's storage that leaves out how the model was trained, and reads its domain once.

    Reading that part imports every component of training, and TensorFlow with it.
    """

    @staticmethod
    def _load_metadata(directory: Path) -> ModelMetadata:
        described = rasa.shared.utils.io.read_json_file(directory / MODEL_ARCHIVE_METADATA_FILE)
        described["train_schema"] = GraphSchema({}).as_dict()
        for node in described["predict_schema"]["nodes"].values():
            if node["uses"] == _named(DomainProvider):
                node["uses"] = _named(StoredDomainProvider)
        return ModelMetadata.from_dict(described)


def _named(component: type) -> str:
    return f"{component.__module__}.{component.__name__}"
