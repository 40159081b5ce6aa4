"""What the servers share."""

from __future__ import annotations

import asyncio

import pytest
from sanic import Sanic
from sanic_cors import CORS

from runtime.serving import without_cors


@pytest.mark.parametrize(("alone", "looking"), [(True, 0), (False, 2)])
async def test_no_request_is_looked_at_for_other_sites_pages(alone, looking):
    app = Sanic(f"for_other_sites_{looking}", configure_logging=False)
    # As Rasa and its SDK do it.
    CORS(app, resources={r"/*": {"origins": ""}}, automatic_options=True)
    if alone:
        without_cors(app)
    app.signalize()
    await app._server_event("init", "before", loop=asyncio.get_running_loop())
    assert len(app.request_middleware) + len(app.response_middleware) == looking
