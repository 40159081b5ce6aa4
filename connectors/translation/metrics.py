"""How translation is doing, for Prometheus: read from the translator whenever somebody asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.translation.translator import Translator

_PREFIX = "qudao_translation_"


class Translations(Collector):
    """The figures of one translator, each provider's by the label `provider`."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator

    def collect(self) -> Iterator[Metric]:
        """The families, in the order of docs/translation.md."""
        told = self._translator.health()
        for name, key, about in (
            ("calls", "calls", "Requests made to a provider, tries counted each"),
            ("failures", "failures", "Of these, those without a good answer"),
        ):
            family = CounterMetricFamily(_PREFIX + name, about, labels=["provider"])
            for one in told:
                family.add_metric([one["provider"]], one[key])
            yield family
        resting = GaugeMetricFamily(
            f"{_PREFIX}breaker_open", "1: it failed too often and rests", labels=["provider"]
        )
        for one in told:
            resting.add_metric([one["provider"]], one["state"] == "resting")
        yield resting
        cache = self._translator.cache
        yield CounterMetricFamily(
            f"{_PREFIX}cache_hits", "Lines that were translated lately", value=cache.hits
        )
        yield CounterMetricFamily(
            f"{_PREFIX}cache_misses", "Lines that a provider is asked for", value=cache.misses
        )
