"""The views for those who read PostGIS directly, as a role that may read them and nothing else."""

from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from layers import catalogue, database, store
from layers.features.collections import COLLECTIONS
from layers.features.properties import properties_of
from layers.tables import Base
from tests import paper_city as paper
from tests import walking_city as city
from tests.paper_city import GRIDS, grids

#: What docs/operations.md says.
GRANT = """
    CREATE ROLE {role} LOGIN;
    GRANT USAGE ON SCHEMA wangge_read TO {role};
    GRANT SELECT ON ALL TABLES IN SCHEMA wangge_read TO {role};
    ALTER DEFAULT PRIVILEGES IN SCHEMA wangge_read GRANT SELECT ON TABLES TO {role};
"""


@pytest.fixture
def reader(session, database_url):
    """An engine of a role made as the documentation says, on the walking city."""
    city.build(session)
    role = f"reader_{uuid4().hex[:8]}"
    session.execute(text(GRANT.format(role=role)))
    session.commit()
    url = make_url(database.make_engine(database_url).url).set(username=role)
    engine = create_engine(url)
    yield engine
    engine.dispose()
    session.rollback()
    session.execute(text(f"DROP OWNED BY {role}; DROP ROLE {role}"))
    session.commit()


def rows(engine, query):
    with engine.connect() as connection:
        return connection.execute(text(query)).mappings().all()


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_view_holds_what_its_collection_tells(session, reader, name):
    collection = COLLECTIONS[name]
    stored = store.read(session, collection.layer, 1)
    stored = stored[stored.geom_type == collection.geometry]
    found = rows(reader, f"SELECT * FROM wangge_read.{name} ORDER BY id")
    assert [str(row["id"]) for row in found] == stored.index.tolist()
    assert [row["code"] for row in found] == stored["code"].tolist()
    told = {*properties_of(collection.layer), "id", "revision", "geom"}
    columns = rows(reader, f"SELECT * FROM wangge_read.{name} LIMIT 0")
    assert columns == []
    with reader.connect() as connection:
        assert set(connection.execute(text(f"SELECT * FROM wangge_read.{name}")).keys()) == told


def test_posts_are_told_without_who_holds_them(reader):
    found = rows(reader, "SELECT * FROM wangge_read.posts ORDER BY code")
    assert [row["target_code"] for row in found][:1] == [paper.WEST + "002"]
    assert not {"name", "phone", "extra"} & set(found[0])


def test_only_what_is_current_is_read(session, reader):
    code = next(iter(GRIDS))
    paper.publish(session, {"grids": grids({code: paper.box(0, 0, 3, 4)})})
    found = rows(reader, f"SELECT revision FROM wangge_read.grids WHERE code = '{code}'")
    assert [row["revision"] for row in found] == [2]
    assert rows(reader, "SELECT count(*) AS n FROM wangge_read.grids")[0]["n"] == len(GRIDS)


def test_everything_is_commented_in_both_languages(reader):
    views = rows(
        reader,
        """
        SELECT c.relname AS view, obj_description(c.oid) AS said, a.attname AS name, col_description(c.oid, a.attnum) AS told
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'wangge_read'::regnamespace
        """,
    )
    assert {row["view"] for row in views} == {*COLLECTIONS, "posts"}
    for row in views:
        spec = catalogue.SPECS[row["view"].removesuffix("_points")]
        known = {field.name: f"{field.zh} {field.en}" for field in spec.fields}
        if row["view"] in COLLECTIONS:
            collection = COLLECTIONS[row["view"]]
            assert row["said"] == f"{collection.zh} {collection.en}"
        if row["name"] in known:
            assert row["told"] == known[row["name"]], row
        assert row["told"], row


def test_a_gis_finds_the_geometry_of_each_view(reader):
    found = rows(
        reader, "SELECT f_table_name, srid FROM geometry_columns WHERE f_table_schema = 'wangge_read'"
    )
    assert {row["f_table_name"] for row in found} == set(COLLECTIONS)
    assert {row["srid"] for row in found} == {4326}


def test_no_table_is_read(reader):
    assert len(Base.metadata.tables) > 30
    for table in Base.metadata.tables:
        with pytest.raises(ProgrammingError, match=f"permission denied for table {table}"):
            rows(reader, f"SELECT * FROM public.{table}")


@pytest.mark.parametrize(
    "written",
    [
        "DELETE FROM wangge_read.grids",
        "UPDATE wangge_read.grids SET name = 'x'",
        "INSERT INTO wangge_read.grids (id, code, name) VALUES (gen_random_uuid(), '1', 'x')",
        "CREATE TABLE wangge_read.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "DROP VIEW wangge_read.grids",
    ],
)
def test_nothing_is_written(reader, written):
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        reader.begin() as connection,
    ):
        connection.execute(text(written))


def test_a_box_is_found_by_the_index(reader):
    """Casting the geometry to one type in a view would hide it from its index."""
    box = "geom && ST_MakeEnvelope(114, 30, 115, 31, 4326)"
    for view in ("grids", "buildings", "buildings_points"):
        with reader.connect() as connection:
            connection.execute(text("SET enable_seqscan = off"))
            plan = connection.execute(text(f"EXPLAIN SELECT * FROM wangge_read.{view} WHERE {box}")).scalars()
            assert "_geom_current_idx" in "\n".join(plan), view
