"""What a way of grouping has to fulfil: read by the fit, and told by the card."""

from __future__ import annotations

FEWEST_PEOPLE = 100
SMALLEST = 15
SMALLEST_SHARE = 0.02
MOST_CLUSTERS = 8
LEAST_SILHOUETTE = 0.1
LEAST_STABILITY = 0.8
DEVIATIONS = 3.0
MARGIN = 0.03
RESAMPLES = 12
NULLS = 6
