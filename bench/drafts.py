"""A draft of 20,000 grids over HTTP: how long editors wait for an edit, for its impact, and for its publication.

Usage: python -m bench.drafts [--grids 20000] [--incidents 100000] [--edits 100]

The application that ships runs in a process of its own, on a private PostGIS that waits for the disk at every commit. Four levels
tile each other, grids with some 100 corners. Each edit moves the border between two grids by a metre and is checked on all four
levels by the service, before it is answered. A draft of so many edits is published twice: first without an incident,
then, with others, where all open incidents lie in the grids that change, so that every one is recomputed. Every line asserts its
answer; the peer of publishing is the same number of shapes updated by plain SQL in one transaction, with no check, no
history and no incident.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import text

from api.dependencies import now
from api.embedded import EmbeddedServer
from bench import edits
from bench.served_grids import wangge
from bench.timing import timed
from geo import synthetic
from geo.levels import LAYER_OF, LEVELS
from layers import accounts, database, imports, incidents
from layers.database import Engine
from layers.imports import Options

#: Corners of a border between two grids, at most; a metre in degrees; the service's own limits, in seconds.
_MOST_CORNERS, _METRE = 80, 1e-5
_EDIT_S, _PUBLISH_S, _RECOMPUTE_S = 0.05, 3.0, 10.0


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grids", type=int, default=20_000)
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--edits", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder) / "server")
        server.start()
        try:
            server.create_database()
            engine = database.make_engine(server.url(), pool_size=2)
            database.migrate(engine)
            levels = edits.city(options.grids, most=_MOST_CORNERS)
            token = prepare(engine, levels)
            first, second = moves(levels, options.edits)
            with serving(server.url(), token) as client:
                drafted(client, "no incident", first, limit_s=_PUBLISH_S)
                stored = file_incidents(engine, levels, second, options.incidents)
                drafted(client, f"{stored:,} incidents", second, limit_s=_RECOMPUTE_S)
            plain = plainly(engine, len(first))
            print(f"  as many shapes updated by plain SQL: {plain:.2f} s")
            engine.dispose()
        finally:
            server.stop()


def prepare(engine: Engine, levels: edits.Levels) -> str:
    """Import the four levels; return the token of one who edits and publishes."""
    for level in LEVELS:
        with database.sessions(engine).begin() as session:
            report, seconds = timed(
                lambda level=level, session=session: imports.import_frame(
                    session, LAYER_OF[level], levels[level], Options(), author="bench", now=now()
                )
            )
        assert (report.added, len(report.defects)) == (len(levels[level]), 0), report
        print(f"import of {len(levels[level]):,} {LAYER_OF[level]}: {seconds:.1f} s")
    with database.sessions(engine).begin() as session:
        accounts.create(session, "bench", "correct horse", "administrator", areas=(), now=now())
        token = accounts.issue_token(session, "bench", "bench", now=now())
    _analyse(engine)
    return token


def moves(levels: edits.Levels, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return twice so many edits, each of another border between two grids of one community."""
    grids = levels["grid"].set_index("code")
    corners = pd.DataFrame(grids.get_coordinates())
    # Corners that just two grids have, both of one community.
    shared = corners.reset_index().groupby(["x", "y"])["code"].agg(["size", "min", "max"])
    inner = shared[(shared["size"] == 2) & (shared["min"].str[:12] == shared["max"].str[:12])]
    borders = inner.reset_index().groupby(["min", "max"])[["x", "y"]].nth(3)
    chosen = borders.sample(2 * count, random_state=5).to_numpy()
    said = [
        {"edit": "move_vertices", "level": "grid", "moves": [[[x, y], [x + _METRE, y]]]}
        for x, y in chosen.tolist()
    ]
    return said[:count], said[count:]


def file_incidents(engine: Engine, levels: edits.Levels, said: list[dict[str, Any]], count: int) -> int:
    """Store open incidents, all in grids that edits change; return how many."""
    corners = shapely.points([move["moves"][0][0] for move in said])
    grids = levels["grid"].geometry.to_numpy()
    changed = grids[np.unique(shapely.STRtree(grids).query(corners, predicate="dwithin", distance=_METRE)[1])]
    random = np.random.default_rng(6)
    each = -(-count // len(changed))
    west, south, east, north = (side[:, None] for side in shapely.bounds(changed).T)
    lon, lat = (
        low + (high - low) * random.uniform(size=(len(changed), 8 * each))
        for low, high in ((west, east), (south, north))
    )
    places = []
    for shape, x, y in zip(changed, lon, lat, strict=True):
        held = shapely.contains_xy(shape, x, y)
        places.append(np.column_stack([x[held], y[held]])[:each])
    where = np.concatenate(places)[:count]
    frame = synthetic.city(1).incidents.sample(len(where), replace=True, random_state=1, ignore_index=True)
    frame = frame.assign(lon=where[:, 0], lat=where[:, 1], status="open", closed_at=pd.NaT)
    with database.sessions(engine).begin() as session:
        _, seconds = timed(lambda: incidents.import_frame(session, frame, actor="bench", now=now()))
    _analyse(engine)
    print(f"import of {len(frame):,} open incidents: {seconds:.1f} s")
    return len(frame)


def drafted(client: httpx.Client, name: str, said: list[dict[str, Any]], *, limit_s: float) -> None:
    """Edit, look at the impact, publish."""
    draft = client.post("/api/drafts", json={"title": name}).raise_for_status().json()
    address = f"/api/drafts/{draft['id']}"
    taken = []
    for edit in said:
        reply, seconds = timed(lambda edit=edit: client.post(f"{address}/edits", json=edit))
        assert reply.status_code == 201, reply.text
        taken.append(seconds)
    print(
        f"{name}\n  an edit: {median(taken) * 1000:.0f} ms (asked {_EDIT_S * 1000:.0f}), the first {taken[0] * 1000:.0f}"
    )
    worse, seconds = timed(lambda: client.get(f"{address}/worse").raise_for_status().json())
    assert worse["worse"] == [], worse
    print(f"  what would be refused: {seconds:.2f} s")
    _, seconds = timed(lambda: client.get(f"{address}/impact").raise_for_status().json())
    print(f"  impact: {seconds:.2f} s")
    reply, seconds = timed(lambda: client.post(f"{address}/publish", json={}))
    assert reply.status_code == 201, reply.text
    revision = client.get(f"/api/revisions/{reply.json()['revision']}").raise_for_status().json()
    assert revision["counts"]["grids"]["changed"] >= len(said), revision["counts"]
    print(f"  publishing {len(said)} edits: {seconds:.2f} s (asked {limit_s:.0f})")


def plainly(engine: Engine, count: int) -> float:
    """Move as many shapes by plain SQL; return the seconds."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE plain AS SELECT code, geom FROM grids WHERE rev_to IS NULL"))
        connection.execute(text("CREATE INDEX ON plain USING gist (geom)"))
    with engine.begin() as connection:
        move = text(
            "UPDATE plain SET geom = ST_Translate(geom, 1e-9, 0) WHERE code IN (SELECT code FROM plain LIMIT :count)"
        )
        begin = time.perf_counter()
        connection.execute(move, {"count": 2 * count})
        connection.commit()
        return time.perf_counter() - begin


@contextmanager
def serving(url: str, token: str) -> Iterator[httpx.Client]:
    """Run the application, where no second person must approve; yield a client of it."""
    with wangge(url, review=False) as port:
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as client:
            yield client


def _analyse(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


if __name__ == "__main__":
    main()
