"""Whom a change touches, of what is stored: the same as publishing does, read about what changed."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import MultiPolygon, Point, Polygon, box

from geo import impact as compared
from layers import deployment, diffs, impact, incidents, publishing, reading
from layers.drafts import keeping, states, steps
from layers.publishing import Change
from tests import paper_city as city

LATER = city.NOW + dt.timedelta(days=1)
FIRST, SECOND = city.WEST + "001", city.WEST + "002"
HALVES = {SECOND: box(0, 0, 3, 4), FIRST: box(3, 0, 8, 4)}


def multi(shape):
    return shape if shape.geom_type == "Point" else MultiPolygon([shape])


def features(layer, shapes, **columns):
    codes = list(shapes)
    data = {"code": codes, "name": [f"{layer} {code}" for code in codes], **columns}
    return gpd.GeoDataFrame(
        data,
        geometry=[multi(city.on_map(s)) for s in shapes.values()],
        crs="EPSG:4326",
        index=city.identifiers(layer, codes),
    )


@pytest.fixture
def built(session):
    """The paper city with homes and places in it."""
    city.build(session)
    compounds = {"C1": box(3, 1, 4, 2), "C2": Point(6, 1), "C3": box(11, 7, 12, 7.5)}
    people = {
        name: pd.array(values, dtype="Int64")
        for name, values in {"people": [100, 50, 7], "households": [40, 20, 3]}.items()
    }
    city.publish(
        session,
        {
            "compounds": features("compounds", compounds, form="managed", **people),
            "buildings": features("buildings", {"B1": Point(3.5, 1.5)}, compound_code="C1"),
            "facilities": features("facilities", {"F1": Point(3.5, 3)}, type="fresh_market"),
            "posts": city.posts([("小区长", "赵敏", "027-5550101", "compounds", "C1", None, None)])
            .set_axis(city.identifiers("posts", ["PX"]))
            .assign(code="PX"),
        },
    )
    return session


def file(session, x, y):
    lon, lat = city.point(x, y)
    report = incidents.Report(category="0101", reported_at=LATER, lon=lon, lat=lat)
    done = incidents.intake(session, report, actor="zhang", now=LATER, desk=incidents.Desk(on=city.TERM))
    session.commit()
    return done.incident.id


def draft(session, layers):
    """A draft with one step."""
    made = keeping.create(session, title="界线", note="", author="li", now=LATER)
    steps.record(session, made, layers, kind="feature", said={}, author="li", now=LATER)
    session.commit()
    return states.state_of(made)


def figures(found, name):
    rows = found.balance[found.balance["code"].notna()]
    return {
        code: tuple(row)
        for code, *row in rows[["code", *(f"{name}_{side}" for side in compared.SIDES)]].itertuples(
            index=False
        )
    }


def test_a_draft_says_what_its_publication_then_does(built):
    for x, y in [(3.5, 2), (3.2, 1), (1, 1), (5, 1), (7, 3), (3.5, -0.3)]:
        file(built, x, y)
    by_hand = file(built, 1, 2)
    incidents.reassign(built, by_hand, FIRST, reason="x", actor="li", now=LATER)
    built.commit()
    change = {"grids": Change(city.grids(HALVES))}
    found = impact.of_draft(built, draft(built, change))
    assert figures(found, "incidents") == {SECOND: (4, 0, 3, 1), FIRST: (3, 3, 0, 6)}
    assert figures(found, "people") == {SECOND: (100, 0, 100, 0), FIRST: (50, 100, 0, 150)}
    assert (
        figures(found, "buildings")
        == figures(found, "facilities")
        == {SECOND: (1, 0, 1, 0), FIRST: (0, 1, 0, 1)}
    )
    assert [tuple(row) for row in found.moves[list(compared.MOVES)].to_numpy()] == [(SECOND, FIRST, 3, 3)]
    (land,) = found.land.itertuples()
    assert (land.layer, land.from_code, land.to_code) == ("grids", SECOND, FIRST)
    done = publishing.publish(built, change, author="li", note="", now=LATER)
    assert done.moved == found.moves["moved"].sum()
    built.commit()
    again = impact.between(built, done.revision - 1, done.revision)
    pd.testing.assert_frame_equal(again.balance, found.balance)
    pd.testing.assert_frame_equal(again.affected, found.affected)


def test_the_other_way_round_all_goes_back(built):
    file(built, 3.5, 2)
    number = city.publish(built, {"grids": city.grids(HALVES)}).revision
    there, back = impact.between(built, number - 1, number), impact.between(built, number, number - 1)
    for name in compared.FIGURES[:-1]:
        assert figures(back, name) == {
            code: (after, lost, gained, before)
            for code, (before, gained, lost, after) in figures(there, name).items()
        }


def whole(session, earlier, later):
    """The same computation, of everything there is."""
    layers = [
        *(f"{level}s" for level in ("district", "subdistrict")),
        "communities",
        "grids",
        *compared.holdings.LAYERS,
    ]
    reads = [reading.of_revision(session, number) for number in (earlier, later)]
    everything = tuple({layer: read(layer) for layer in layers} for read in reads)
    found = {diff.layer: diff.changes for diff in diffs.between(session, earlier, later, land=False)}
    decided = deployment.get(session)
    return compared.compare(everything, found, metric=decided.metric_crs, tolerance_m=decided.tolerance_m)


def test_what_is_read_near_by_says_what_all_of_the_city_says(built):
    """Borders, homes, posts and parents at random places: only the surroundings are read, and nothing is missed."""
    random = np.random.default_rng(5)

    def boxes(prefix, count, size):
        corners = random.uniform((-1, -1), (14, 8), (count, 2))
        return {f"{prefix}{n}": box(x, y, x + size, y + size) for n, (x, y) in enumerate(corners)}

    def some(count):
        return pd.array(random.integers(0, 300, count), dtype="Int64")

    city.publish(
        built,
        {
            "compounds": features("compounds", boxes("K", 20, 0.9), form="managed", people=some(20), households=some(20)),
            "buildings": features("buildings", boxes("H", 30, 0.2), compound_code=[f"K{n % 12}" for n in range(30)], people=some(30), households=some(30)),
            "old_estates": features("old_estates", boxes("E", 5, 1.5)),
        },
    )  # fmt: skip
    above, noded = city.layers()["communities"], Polygon([(0, 0), (7, 0), (14, 0), (14, 8), (0, 8)])
    changes = [
        {"grids": city.grids({FIRST: box(4, 0, 7, 4)})},
        {"grids": city.grids({FIRST: box(4, 0, 8, 4), city.EAST + "003": box(10, 4.5, 14, 7)})},
        {"compounds": features("compounds", boxes("K", 1, 0.9), form="managed", people=some(1), households=some(1))},
        {"buildings": features("buildings", boxes("H", 3, 0.2), compound_code="K1", people=some(3), households=some(3))},
        {"posts": city.posts([("楼长", "x", None, "buildings", "H7", None, None)])},
        {"districts": city.areas("districts", {"420199": noded}), "grids": city.grids({FIRST: box(4, 0, 7.5, 4)})},
        {"communities": above.assign(parent_code=[city.SUBDISTRICT, "420199"])},
        {"grids": city.grids(city.GRIDS).iloc[[1]].assign(parent_code=city.EAST)},
        {"grids": Change(city.grids({city.EAST + "009": box(8.2, 1, 8.8, 3)}), [*city.identifiers("grids", [city.EAST + "004"])])},
    ]  # fmt: skip
    for change in changes:
        number = city.publish(built, change).revision
        found, expected = impact.between(built, number - 1, number), whole(built, number - 1, number)
        pd.testing.assert_frame_equal(
            found.balance, compared.touched(expected.balance).reset_index(drop=True)
        )
        pd.testing.assert_frame_equal(found.affected, expected.affected)


def test_only_surroundings_are_read(built):
    """A border far away costs nothing: of the homes there none is read."""
    number = city.publish(built, {"grids": city.grids(HALVES)}).revision
    surroundings = impact._Surroundings(
        *(reading.of_revision(built, n) for n in (number - 1, number)),
        {d.layer: d.changes for d in diffs.between(built, number - 1, number, land=False)},
        deployment.get(built),
    )
    codes = surroundings.finest(set())
    assert codes == {FIRST, SECOND}
    state, _ = surroundings.read(codes)
    assert set(state["compounds"]["code"]) == {"C1", "C2", city.WEST + "C01"}


def test_of_a_first_import_everything_is_new(built):
    found = impact.between(built, 0, 2)
    assert set(found.balance["level"]) == {"district", "subdistrict", "community", "grid"}
    assert figures(found, "people")["420199"] == (0, 157, 0, 157)
    assert (found.balance.loc[found.balance["code"].notna(), "change"] == "added").all()


def test_grids_of_another_scheme_hold_nobody(built):
    units = city.grids({"U1": box(0, 0, 8, 8)}).assign(scheme="unit", parent_code=city.WEST)
    number = city.publish(built, {"grids": units}).revision
    found = impact.between(built, number - 1, number)
    assert found.balance.empty
    assert found.land.empty


def test_a_retired_grid_takes_decisions_by_hand_along(built):
    incident_id = file(built, 1, 1)
    incidents.reassign(built, incident_id, city.EAST + "004", reason="x", actor="li", now=LATER)
    built.commit()
    gone = [*city.identifiers("grids", [city.EAST + "004"])]
    change = {"grids": Change(city.grids({city.EAST + "009": box(8.2, 1, 8.8, 3)}), gone)}
    found = impact.of_draft(built, draft(built, change))
    assert [tuple(row) for row in found.moves[list(compared.MOVES)].to_numpy()] == [
        (city.EAST + "004", city.EAST + "009", 1, 1)
    ]
    assert figures(found, "incidents")[city.EAST + "009"] == (0, 1, 0, 1)
    assert publishing.publish(built, change, author="li", note="", now=LATER).moved == 1


def test_a_draft_of_an_older_revision_is_judged_on_its_base(built):
    """Incidents have moved on since; what the draft itself moves is counted from its base."""
    file(built, 3.5, 2)
    change = {"grids": Change(city.grids(HALVES))}
    state = draft(built, change)
    city.publish(built, {"grids": city.grids({SECOND: box(0, 0, 2, 4), FIRST: box(2, 0, 8, 4)})})
    found = impact.of_draft(built, state)
    assert figures(found, "incidents") == {SECOND: (1, 0, 1, 0), FIRST: (0, 1, 0, 1)}


def test_a_draft_without_steps_touches_nobody(built):
    made = keeping.create(built, title="x", note="", author="li", now=LATER)
    found = impact.of_draft(built, states.state_of(made))
    assert found.balance.empty
    assert found.affected.empty
    assert found.moves.empty
