"""`wangge db backup` and `restore`, over a database that has gone on since."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from api.cli.main import app
from api.embedded import EmbeddedUnavailable
from tests import paper_city as paper
from tests.paper_city import GRIDS


@pytest.fixture
def run(database_url, monkeypatch):
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)

    def invoke(*arguments, expected=0):
        done = CliRunner().invoke(app, ["db", *map(str, arguments)])
        assert done.exit_code == expected, done.output
        return done

    return invoke


def test_a_backup_replaces_everything_also_what_came_later_and_where_a_role_is_gone(session, run, tmp_path):
    paper.build(session)
    role = f"reader_{uuid4().hex[:8]}"
    session.execute(text(f"CREATE ROLE {role}; GRANT SELECT ON wangge_read.grids TO {role}"))
    session.commit()
    run("backup", tmp_path / "wangge.dump")
    session.execute(
        text(f"""
        DROP OWNED BY {role}; DROP ROLE {role}; TRUNCATE grids;
        CREATE TABLE later (revision int REFERENCES revisions)
        """)
    )
    session.commit()
    run("restore", tmp_path / "wangge.dump", "--yes")
    assert session.scalar(text("SELECT count(*) FROM wangge_read.grids")) == len(GRIDS)
    assert session.scalar(text("SELECT to_regclass('later')")) is None


def test_a_damaged_backup_replaces_nothing(session, run, tmp_path):
    paper.build(session)
    run("backup", tmp_path / "wangge.dump")
    whole = (tmp_path / "wangge.dump").read_bytes()
    (tmp_path / "half.dump").write_bytes(whole[: len(whole) // 2])
    done = run("restore", tmp_path / "half.dump", "--yes", expected=1)
    assert isinstance(done.exception, EmbeddedUnavailable)
    assert session.scalar(text("SELECT count(*) FROM grids")) == len(GRIDS)
