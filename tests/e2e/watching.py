"""A real server on a city whose every name is hostile, and a real browser that reports what it did."""

import contextlib
import shutil
import socket
import threading
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd
import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from api.app import create_app
from api.dependencies import now
from api.settings import Settings
from layers import accounts, database, deployment, incidents
from tests import paper_city, walking_city
from tests.conftest import fresh_database
from tests.paper_city import point

#: Runs if a page takes any of it for markup, a template or the end of a script.
HOSTILE = """'"><img src=x onerror=alert(1)></script><script>alert(2)</script>{{7*7}}${alert(3)}"""

#: Longest wait for what a page should come to show; it is far quicker, unless the machine is busy.
expect.set_options(timeout=30_000)

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Watched:
    """A page of the browser, with everything it should not have done."""

    page: object
    home: str
    wrong: list[str] = field(default_factory=list)

    def open(self, path):
        """Open a page of the server and wait until it has asked for everything."""
        self.page.goto(self.home + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def watch(self):
        page = self.page
        page.on("request", self._request)
        page.on(
            "response", lambda reply: reply.status >= 400 and self.wrong.append(f"{reply.status} {reply.url}")
        )
        page.on("console", lambda said: said.type in {"error", "warning"} and self.wrong.append(said.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", self._dialog)

    def _request(self, request):
        if not request.url.startswith((self.home, "data:", "blob:", "file:")):
            self.wrong.append(f"outside request: {request.url}")

    def _dialog(self, dialog):
        self.wrong.append(f"a name ran: {dialog.message}")
        dialog.dismiss()


def build(session):
    """Publish the walking city with hostile names, four incidents and an account."""
    lon, lat = point(7, 4)
    deployment.choose(session, [lon], [lat], now=paper_city.NOW, city=HOSTILE, invented=True)
    layers = {
        **paper_city.layers(),
        "streets": walking_city.streets(),
        "facilities": walking_city.facilities(),
        "compounds": walking_city.compounds(),
    }
    for frame in layers.values():
        if isinstance(frame, gpd.GeoDataFrame):
            frame["name"] = HOSTILE
    layers["posts"]["role"] = HOSTILE
    layers["posts"]["name"] = HOSTILE
    paper_city.publish(session, layers)
    lon, lat = zip(point(1.5, 0.5), point(5, 1), point(5.01, 1), point(100, 100), strict=True)
    reported = pd.to_datetime(["2026-01-10", "2026-02-10", "2026-02-11", "2026-03-01"], utc=True)
    frame = pd.DataFrame(
        {"category": "E0101", "description": HOSTILE, "reported_at": reported, "lon": lon, "lat": lat}
    )
    incidents.import_frame(session, frame, actor="test", now=now())
    accounts.create(session, "zhang", "correct horse", "administrator", now=now())
    session.commit()


@pytest.fixture(scope="session")
def hostile_city(server):
    """Address of a database whose every name is hostile."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=2)
        with database.sessions(engine)() as session:
            build(session)
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def home(hostile_city):
    """Address of the application on that city, reading open."""
    yield from serve(create_app(Settings(database_url=hostile_city, threads=8), open_reading=True))


@pytest.fixture(scope="session")
def closed_home(hostile_city):
    """The same, for accounts only."""
    yield from serve(create_app(Settings(database_url=hostile_city, threads=8)))


def serve(app):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        web = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        host, port = listener.getsockname()
        yield f"http://{host}:{port}"
        web.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Chromium is not installed; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watch(chromium):
    """Open pages of a server; at the end nothing may have gone wrong in any of them."""
    opened = []

    def make(home, **options):
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, **options)
        watched = Watched(context.new_page(), home)
        watched.watch()
        opened.append((context, watched))
        return watched

    yield make
    for context, watched in opened:
        context.close()
        assert watched.wrong == []


@pytest.fixture
def browser(watch, home):
    """A page of the open server."""
    return watch(home)
