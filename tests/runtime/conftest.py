"""Quiet logs for tests that let Rasa decide thousands of times."""

import logging

import pytest
import structlog


@pytest.fixture(scope="module")
def quiet_logs():
    """Structlog, unset, prints every debug event of Rasa's policies."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.configure(wrapper_class=before)
