"""Twenty editors of neighbouring grids at once: every edit is there, no border is torn, nobody overwrites anybody."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from tests import editors
from tests.editors import Editor

EDITORS = 20


@pytest.mark.usefixtures("always_fresh")
def test_twenty_editors_at_once(settings, session, sign_in):
    editors.build(session)
    header = sign_in("editor")
    with TestClient(create_app(settings.model_copy(update={"review": False}))) as client:
        client.headers.update(header)
        everybody = [Editor(number, lambda: client) for number in range(EDITORS)]
        with ThreadPoolExecutor(EDITORS) as pool:
            for done in [pool.submit(editor.round, 1) for editor in everybody]:
                done.result(timeout=600)
    editors.check(session, everybody)
    assert sum(editor.rebased for editor in everybody) > 0, "some had to put theirs on top of others'"
