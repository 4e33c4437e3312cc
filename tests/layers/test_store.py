"""Reading a layer at a revision uses its indexes, at the newest revision and at an older one."""

import pytest
from sqlalchemy import func, select, text

from layers import store

_MANY = text("""
    INSERT INTO revisions (number, published_at, effective_from, author, note, layers, counts)
    SELECT n, now(), now(), '', '', ARRAY['districts'], '{}' FROM generate_series(1, 9) AS n;
    INSERT INTO districts (id, rev_from, rev_to, code, name, geom)
    SELECT gen_random_uuid(), 1, CASE WHEN n % 50 = 0 THEN 2 + n % 7 END, n::text, '',
        ST_Multi(ST_MakeEnvelope(100 + n % 100, 20 + n / 100 % 50, 101 + n % 100, 21 + n / 100 % 50, 4326))
    FROM generate_series(1, 20000) AS n;
    ANALYZE districts
""")


@pytest.mark.parametrize("revision", [9, 4])
def test_a_place_is_found_by_index_at_any_revision(session, revision):
    session.execute(_MANY)
    source = store.table("districts")
    near = source.c.geom.op("&&")(func.ST_MakeEnvelope(105.1, 32.1, 105.2, 32.2, 4326))
    query = select(source.c.code).where(store.valid(source, revision), near)
    compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    plan = "\n".join(session.scalars(text(f"EXPLAIN {compiled}")))
    assert "districts_geom_current_idx" in plan
    assert "districts_ended_idx" in plan
    assert "Seq Scan" not in plan
