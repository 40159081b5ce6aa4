"""Do without TensorFlow where no component of the model needs it.

Rasa 3.6 names three of its TensorFlow modules at import time that only TensorFlow components use,
and spaCy takes TensorFlow up whenever it is installed: together ten seconds and half a gigabyte.
Stand-ins for the three, and a refusal of the fourth, keep it out of the process. The model's own
list of components says whether that may be. What draws the figures of a test, and the library that
only training learns with, stay out in the same way: 55 MB and a second.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from types import ModuleType

_STAND_INS = {
    "rasa.utils.tensorflow.callback": ("RasaTrainingLogger", "RasaModelCheckpoint"),
    "rasa.utils.tensorflow.data_generator": ("RasaDataGenerator", "RasaBatchDataGenerator"),
    # It brings scikit-learn, and that SciPy's statistics.
    "rasa.utils.tensorflow.model_data": (
        "RasaModelData",
        "Data",
        "FeatureArray",
        "ragged_array_to_ndarray",
    ),
    # It brings Matplotlib.
    "rasa.utils.plotting": (),
    # Named in every model's training graph, which is read along with the other and never run.
    "rasa.graph_components.validators.default_recipe_validator": ("DefaultV1RecipeValidator",),
}
_NEED_IT = {
    "rasa.nlu.classifiers.diet_classifier",
    "rasa.nlu.selectors.response_selector",
    "rasa.nlu.featurizers.dense_featurizer.convert_featurizer",
    "rasa.nlu.featurizers.dense_featurizer.lm_featurizer",
    "rasa.core.policies.ted_policy",
    "rasa.core.policies.unexpected_intent_policy",
}
_OURS = ("rasa", "nlu", "runtime")


def model_components(model: Path) -> set[str]:
    """The modules of the components that the model's prediction graph uses.

    Raises:
        ValueError: the file is not a model that Rasa 3 has trained.
    """
    try:
        with tarfile.open(model) as archive:
            metadata = json.load(archive.extractfile("metadata.json"))
        nodes = metadata["predict_schema"]["nodes"].values()
        return {node["uses"].rpartition(".")[0] for node in nodes}
    except (tarfile.TarError, OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{model}: expected a model trained by Rasa 3 (.tar.gz with metadata.json): {error}"
        ) from error


def needs_tensorflow(modules: set[str]) -> bool:
    """Whether one of the components' modules needs TensorFlow, or may (it is not known here)."""
    return any(name in _NEED_IT or name.partition(".")[0] not in _OURS for name in modules)


def keep_out() -> None:
    """Keep TensorFlow out of this process; call before anything of Rasa's server is imported."""
    if "tensorflow" in sys.modules:
        return
    for name, classes in _STAND_INS.items():
        module = ModuleType(name)
        for listed in classes:
            setattr(module, listed, type(listed, (), {}))
        sys.modules[name] = module
    # Importing it now raises ImportError, which spaCy takes for "not installed".
    sys.modules["tensorflow"] = None
