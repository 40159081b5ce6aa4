"""spaCy without TensorFlow and its like.

thinc, below spaCy, imports TensorFlow when it finds it, for layers this project does not use; that
costs some ten seconds and several hundred megabytes. thinc asks with `try: import tensorflow
except ImportError`, so for the length of the import TensorFlow is made to look absent, and
afterwards anything that does need it (stock Rasa's own components) can import it as ever.

Import spaCy through this module: `from nlu.light_spacy import spacy`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ABSENT = ("tensorflow", "torch", "mxnet", "h5py")


@contextmanager
def _absent(names: tuple[str, ...]) -> Iterator[None]:
    """Within, importing a module of `names` that is not loaded yet raises ImportError."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # None: "known not to be there"
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _absent(_ABSENT):
    import spacy
    import spacy.matcher
    import spacy.util

__all__ = ["spacy"]
