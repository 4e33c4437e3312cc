"""`wangge demo`: the whole product on an invented city, with one command."""

import ipaddress
import secrets
from typing import Annotated

import typer

from api.app import create_app
from api.cli.console import console, progress_bars
from api.cli.serve import Host, Port, listen
from api.dependencies import now
from api.embedded import EmbeddedServer
from api.settings import Settings
from geo import synthetic
from layers import accounts, catalogue, database, deployment, history, imports, incidents
from layers.database import Engine, Session
from layers.errors import DatabaseUnsuitable
from layers.progress import Progress

#: Roles that get an account in the demo, so that its writing can be tried too.
_ACCOUNTS = ("dispatcher", "planner", "editor", "administrator")
_AUTHOR = "demo"


def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    seed: Annotated[int, typer.Option(help="Which invented city to make, the first time.")] = 1,
) -> None:
    """Run the whole product on an invented city until Ctrl-C.

    Starts a private PostGIS (its own folder, no network), makes the city the first time, assigns its
    incidents, computes coverage and serves at http://127.0.0.1:8000/. Reading needs no account there; the
    accounts for writing are printed. A second run is quick and loses nothing.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise DatabaseUnsuitable("The demo is open to every reader, so it listens on loopback only.")
    settings = Settings()
    server = EmbeddedServer(settings.data_dir)
    _say("private PostGIS", f"{'started' if server.start() else 'running already'} in {server.folder}")
    server.create_database()
    settings = settings.model_copy(update={"database_url": server.url()})
    engine = database.make_engine(server.url(), pool_size=2)
    try:
        database.migrate(engine)
        _say("database", f"PostGIS {database.check(engine)}, at the newest migration")
        _load(engine, settings, seed)
        _print_accounts(engine, settings)
        listen(create_app(settings, open_reading=True), host=host, port=port)
    finally:
        engine.dispose()
        stopped = server.stop_if_idle()
        _say("private PostGIS", "stopped; all is kept" if stopped else "left running, others use it")


def _load(engine: Engine, settings: Settings, seed: int) -> None:
    """Make and load the city unless something is loaded; all of it in one transaction, or nothing."""
    with database.sessions(engine)() as session:
        if history.current(session, now()):
            city = deployment.get(session).city
            _say(
                "city", f"{city or 'your own'} is loaded already, revision {history.current(session, now())}"
            )
            return
    with progress_bars() as progress:
        progress("making the city 生成示例城市", 0, 0)
        made = synthetic.city(seed)
        progress("making the city 生成示例城市", 1, 1)
        with database.sessions(engine).begin() as session:
            _import_city(session, made, settings, progress)


def _import_city(session: Session, city: synthetic.City, settings: Settings, progress: Progress) -> None:
    lon, lat = city.districts.get_coordinates().to_numpy().T
    deployment.choose(
        session,
        lon,
        lat,
        now=now(),
        city=city.name,
        invented=True,
        tolerance_m=settings.tolerance_m,
        steps_factor=settings.steps_factor,
    )
    step = "checking and publishing layers 检查并发布图层"
    # Nothing bars the streets of the demo city.
    layers = [layer for layer in catalogue.SPECS if layer != "barriers"]
    for done, layer in enumerate(layers):
        progress(step, done, len(layers))
        report = imports.import_frame(
            session, layer, getattr(city, layer), imports.Options(), author=_AUTHOR, now=now()
        )
        _say(f"{catalogue.SPECS[layer].zh} {layer}", str(report))
    progress(step, len(layers), len(layers))
    counts = incidents.import_frame(session, city.incidents, actor=_AUTHOR, now=now(), progress=progress)
    _say("事件 incidents", f"{counts.assigned} assigned to a grid, {counts.unassigned} in none, waiting")


def _print_accounts(engine: Engine, settings: Settings) -> None:
    """Make the demo's accounts the first time, and print their one password, which only its owner can read."""
    kept = settings.data_dir / "demo-password"
    with database.sessions(engine).begin() as session:
        if not accounts.every(session):
            password = secrets.token_urlsafe(9)
            kept.write_text(password)
            kept.chmod(0o600)
            for role in _ACCOUNTS:
                accounts.create(session, role, password, role, now=now())
    if kept.exists():
        _say("accounts", f"{', '.join(_ACCOUNTS)}; password {kept.read_text()}")


def _say(what: str, said: str) -> None:
    console.print(f"[bold]{what}[/bold]: {said}", soft_wrap=True)
