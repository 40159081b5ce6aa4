"""The application factory: middleware, routes, and what they share in `app.state`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from cdp.intake import http as intake
from kg.errors import GraphError
from shop.storefront import Sources, Storefront
from web import (
    apidocs,
    background,
    chat,
    checkout,
    health,
    me,
    media,
    pages,
    platforms,
    tracking,
)
from web.console import router as console
from web.rendering import Rendering, static_version
from web.security import SecurityHeaders
from web.settings import Settings

FOLDER = Path(__file__).parent


def create_app(
    settings: Settings | None = None,
    sources: Sources | None = None,
    shoppers: Mapping[str, str] | None = None,
    working: bool = False,
) -> FastAPI:
    """The web application.

    `sources` and `shoppers` (id → name) default to the published graph, the shop's offers and its
    demo shoppers; the graph is opened when the application starts and closed when it ends. With
    `working`, this process also works off events, talks and watched files.
    """
    settings = settings or Settings.from_env()
    app = FastAPI(
        title="Qudao",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(sources, shoppers, working),
    )
    version = static_version(FOLDER / "static")
    app.state.settings = settings
    app.state.rendering = Rendering(FOLDER / "templates", version)
    app.mount(f"/static/{version}", StaticFiles(directory=FOLDER / "static"), name="static")
    # The intake comes last: it answers for whatever else is under /v1.
    shown = (
        pages,
        media,
        chat,
        health,
        apidocs,
        tracking,
        me,
        checkout,
        console,
        platforms,
        intake,
    )
    for module in shown:
        app.include_router(module.router)
    app.add_exception_handler(HTTPException, pages.show_http_error)
    app.add_exception_handler(RequestValidationError, pages.show_bad_request)
    app.add_exception_handler(GraphError, pages.show_unavailable)
    app.add_exception_handler(SQLAlchemyError, pages.show_unavailable)
    app.add_exception_handler(Exception, pages.show_fault)
    app.middleware("http")(_cache_static)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts))
    app.add_middleware(SecurityHeaders, settings=settings)
    return app


def _lifespan(sources: Sources | None, shoppers: Mapping[str, str] | None, working: bool):
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if working:
                await run_in_threadpool(background.start)
                stack.push_async_callback(run_in_threadpool, background.stop)
            found = sources or await _own_sources(stack)
            app.state.storefront = Storefront(found)
            app.state.shoppers = dict(_own_shoppers() if shoppers is None else shoppers)
            yield

    return lifespan


async def _own_sources(stack: contextlib.AsyncExitStack) -> Sources:
    # Imported here: tests and other shops bring their own and need no graph engine.
    from kg import catalogue, localised, promotions, sizes
    from kg.graph import open_graph
    from shop import clock, offers

    graph = open_graph()
    stack.push_async_callback(graph.close)
    return Sources(graph, catalogue, promotions, sizes, offers.many, clock.today, localised)


def _own_shoppers() -> Mapping[str, str]:
    from shop.demo import SHOPPERS

    return SHOPPERS


async def _cache_static(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Static files carry a hash of their content in the path, so they never change."""
    response = await call_next(request)
    if request.url.path.startswith("/static/") and response.status_code == 200:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
