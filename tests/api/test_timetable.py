"""The service publishes drafts at their time; one that fails keeps no other back."""

import datetime as dt

import pytest

from api import timetable
from layers import database, store
from layers.drafts import keeping, publishing, steps
from layers.publishing import Change
from tests import paper_city as city
from tests.api.working import until

LATER = city.NOW + dt.timedelta(days=1)


def scheduled(session, code):
    draft = keeping.create(session, title=code, note="", author="zhang", now=city.NOW)
    renamed = store.read(session, "grids", 1, codes=[code]).assign(name="新名")
    steps.record(
        session, draft, {"grids": Change(renamed)}, kind="feature", said={}, author="zhang", now=city.NOW
    )
    publishing.schedule(session, draft, city.NOW, now=city.NOW)
    return draft


@pytest.fixture
def drafts(session):
    """Two drafts that are due, the one that comes first first."""
    city.build(session)
    made = [scheduled(session, code) for code in (city.WEST + "001", city.WEST + "002")]
    session.commit()
    return sorted(made, key=lambda draft: draft.id)


def test_a_draft_that_fails_keeps_no_other_back(session, drafts, engine, monkeypatch):
    failing, other = (draft.id for draft in drafts)
    publish = publishing.publish_due
    tried = []

    def broken(session, draft_id, **times):
        tried.append(draft_id)
        if draft_id == failing:
            raise RuntimeError("out of luck")
        return publish(session, draft_id, **times)

    monkeypatch.setattr(timetable, "LOOK_S", 0.02)
    monkeypatch.setattr(publishing, "publish_due", broken)
    at_work = timetable.Timetable(database.sessions(engine), lambda: LATER)
    at_work.start()
    try:
        until(lambda: keeping.get(session, other).status == "published" or session.rollback())
        until(lambda: tried.count(failing) > 1)
    finally:
        at_work.stop()
    session.rollback()
    assert keeping.get(session, failing).status == "scheduled", "it is due still"
