"""A draft in a browser: edited, undone, checked, talked about, reviewed by a second person, published."""

import json

import geopandas as gpd
import pytest
from playwright.sync_api import expect
from shapely import box

from api.app import create_app
from api.dependencies import now
from api.settings import Settings
from layers import accounts, database, deployment
from tests import paper_city as city
from tests.conftest import fresh_database
from tests.e2e.watching import HOSTILE, serve
from tests.paper_city import EAST, WEST, point

pytestmark = pytest.mark.browser

#: Grids that tile the city.
GRIDS = {
    WEST + "001": box(0, 0, 4, 8),
    WEST + "002": box(4, 0, 8, 8),
    EAST + "001": box(8, 0, 14, 4),
    EAST + "002": box(8, 4, 14, 8),
}


@pytest.fixture
def house(server):
    """Address of the application on a tiled city whose names are hostile; hu draws, sun reviews."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=2)
        with database.sessions(engine)() as session:
            lon, lat = point(7, 4)
            deployment.choose(session, [lon], [lat], now=city.NOW, city=HOSTILE, invented=True)
            frames = {**city.layers(), "grids": city.grids(GRIDS)}
            for name in ("communities", "grids", "compounds"):
                frames[name]["name"] = HOSTILE
            city.publish(session, frames)
            accounts.create(session, "hu", "correct horse", "editor", now=now())
            accounts.create(session, "sun", "correct horse", "reviewer", now=now())
            session.commit()
        engine.dispose()
        yield from serve(create_app(Settings(database_url=url, threads=8)))


@pytest.fixture
def sign_in(house, watch):
    """Open a browser for an account; it is closed before the service ends."""

    def make(name):
        watched = watch(house)
        page = watched.open("/login?next=/drafts")
        page.fill("#username", name)
        page.fill("#password", "correct horse")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{house}/drafts")
        return watched

    return make


@pytest.fixture
def editor(sign_in):
    """The browser of hu, at a new draft."""
    watched = sign_in("hu")
    page = watched.page
    page.fill("#title", HOSTILE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#standing h1")
    return watched


def send(page, path, said):
    """Write to the API as the page's account; return the status and the reply."""
    return page.evaluate(
        """async ([path, said]) => {
        const { csrf, chosen } = JSON.parse(document.getElementById('page-config').textContent);
        const reply = await fetch(`/api/drafts/${chosen.id}/${path}`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
            body: JSON.stringify(said),
        });
        return [reply.status, await reply.json()];
    }""",
        [path, said],
    )


def merge(watched, *codes):
    """Merge grids in the draft that is open, and show what became of it."""
    status, reply = send(watched.page, "edits", {"edit": "merge", "level": "grid", "codes": list(codes)})
    assert status == 201, json.dumps(reply)
    watched.page.reload()
    expect(watched.page.locator("#changes table")).to_be_visible()


def expect_state(page, name):
    """Wait until the draft is in a state; publishing takes its time."""
    expect(page.locator("#standing h1 .badge")).to_have_text(name)


def confirm(page, deed, said=""):
    """Press a button of the draft, and confirm."""
    page.click(f"#do-{deed}")
    if said:
        page.fill("#said", said)
    page.click("#go")


def test_steps_are_undone_and_redone_by_buttons_and_keys(editor):
    merge(editor, WEST + "001", WEST + "002")
    page = editor.page
    expect(page.locator("#steps li")).to_contain_text(f"合并 · 网格 {WEST}001 {WEST}002")
    expect(page.locator("#land tbody tr")).to_have_count(1)
    page.click("#undo")
    expect(page.locator("#steps li.undone")).to_have_count(1)
    expect(page.locator("#changes")).to_contain_text("没有差别")
    page.locator("body").press("Control+Shift+Z")
    expect(page.locator("#steps li.undone")).to_have_count(0)
    expect(page.locator("#changes tbody tr")).not_to_have_count(0)
    page.locator("body").press("Control+z")
    expect(page.locator("#redo")).to_be_enabled()
    expect(page.locator("#undo")).to_be_disabled()


def test_a_feature_is_shown_before_and_after(editor):
    merge(editor, WEST + "001", WEST + "002")
    page = editor.page
    page.locator("#changes button", has_text=HOSTILE).first.click()
    popup = page.locator(".leaflet-popup-content")
    expect(popup.locator("h3")).to_have_text(HOSTILE)
    popup.locator("summary").click()
    expect(popup.locator("details table, details .hint").first).to_be_visible()


def test_what_would_be_refused_is_listed_with_its_place(editor):
    page = editor.page
    expect(page.locator("#worse")).to_contain_text("没有新增或变大的缺陷")
    # Out of its parent, into the other community.
    x, y = point(8, 4)
    east, _ = point(9, 4)
    status, _ = send(
        page, "edits", {"edit": "move_vertices", "level": "grid", "moves": [[[x, y], [east, y]]]}
    )
    assert status == 201
    page.reload()
    page.select_option("#defect-layer", "grids")
    page.click("#check")
    expect(page.locator("#defects .note, #defects table").first).to_be_visible()


def chosen(page, shapes):
    """Choose a file of grids with hostile names and one bad code."""
    shapes = {**shapes, HOSTILE: box(0, 0, 1, 1)}
    frame = gpd.GeoDataFrame(
        {"code": list(shapes), "name": HOSTILE}, geometry=[city.on_map(s) for s in shapes.values()]
    )
    file = {
        "name": f"{HOSTILE}.geojson",
        "mimeType": "application/geo+json",
        "buffer": frame.to_json(drop_id=True).encode(),
    }
    page.set_input_files("#import-file", file)


def test_a_file_is_shown_on_a_map_before_it_is_imported(editor):
    page = editor.page
    page.click("#import-look")
    expect(page.locator("#import-told")).to_contain_text("请选择文件")
    shapes = {WEST + "001": box(0, 0, 3, 8), WEST + "002": box(3, 0, 8, 8)}
    shapes |= {EAST + "001": GRIDS[EAST + "001"], EAST + "003": GRIDS[EAST + "002"]}
    chosen(page, shapes)
    page.select_option("#import-mode", "replace")
    page.click("#import-look")
    preview = page.locator("#import-preview")
    expect(preview.locator("#import-name")).to_contain_text(HOSTILE)
    expect(preview.locator("#import-facts")).to_contain_text("新增 1，变动 2，不变 1，撤销 1")
    expect(preview.locator("#import-facts")).to_contain_text("新增 0 m²，失去 0 m²")
    expect(preview.locator("#import-summary")).to_contain_text("新增 1、撤销 1、界线或位置变动 2")
    expect(preview.locator("#import-changes tbody tr")).to_have_count(4)
    expect(preview.locator("#import-land tbody tr")).to_have_count(2)
    expect(preview.locator("#import-rejects tbody tr")).to_have_count(1)
    expect(preview.locator("#import-worse")).to_contain_text("没有新增或变大的缺陷")
    for row, kind in (("新增", "导入后"), ("撤销", "现在")):
        preview.locator("#import-changes tr", has_text=row).locator("button").click()
        expect(preview.locator(".leaflet-popup-content").last).to_contain_text(kind)
    # Nothing is stored until it is confirmed.
    page.click("#import-cancel")
    expect(preview).to_be_hidden()
    expect(page.locator("#steps li")).to_have_count(0)
    page.click("#import-look")
    page.click("#import-go")
    expect(preview).to_be_hidden()
    expect(page.locator("#steps li")).to_have_count(1)
    expect(page.locator("#changes tbody tr")).to_have_count(4)
    expect(page.locator("#land tbody tr")).to_have_count(2)
    expect(page.locator("#import-file")).to_have_value("")
    chosen(page, shapes)
    page.click("#import-look")
    expect(preview.locator("#import-changes")).to_contain_text("文件与草稿没有差别")
    expect(page.locator("#import-go")).to_be_disabled()
    page.click("#import-cancel")
    confirm(page, "submit")
    expect(page.locator("#importing")).to_be_hidden()


def test_a_preview_that_was_overtaken_is_not_imported(editor):
    page = editor.page
    chosen(page, {WEST + "001": box(0, 0, 3, 8), WEST + "002": box(3, 0, 8, 8)})
    page.click("#import-look")
    expect(page.locator("#import-preview")).to_be_visible()
    # Meanwhile, in another window.
    send(page, "edits", {"edit": "merge", "level": "grid", "codes": [EAST + "001", EAST + "002"]})
    page.click("#import-go")
    expect(page.locator("#told")).to_contain_text("已被他人修改")
    expect(page.locator("#import-preview")).to_be_hidden()
    expect(page.locator("#steps li")).to_have_count(1)
    editor.wrong[:] = [said for said in editor.wrong if "412" not in said]


def test_a_note_is_pinned_to_the_map(editor):
    page = editor.page
    page.fill("#note-text", HOSTILE)
    page.fill("#note-place", "here")
    page.click("#note-form button")
    expect(page.locator("#note-refused")).to_contain_text("位置应为")
    lon, lat = point(3, 3)
    page.fill("#note-place", f"{lon}，{lat}")
    page.click("#note-form button")
    expect(page.locator("#notes li p")).to_have_text(HOSTILE)
    page.locator("#notes [data-lon]").click()
    expect(page.locator("#note-text")).to_have_value("")


def test_a_draft_is_submitted_rejected_approved_and_published_by_two_people(editor, sign_in):
    page = editor.page
    merge(editor, WEST + "001", WEST + "002")
    confirm(page, "submit")
    expect_state(page, "待审核")
    expect(page.locator("#steps button")).to_have_count(0)
    expect(page.locator("#do-approve")).to_have_count(0)
    reviewer = sign_in("sun")
    reviewer.page.locator("#drafts a").first.click()
    judged = reviewer.page
    confirm(judged, "reject")
    expect(judged.locator("#refused")).to_contain_text("请说明原因")
    judged.fill("#said", HOSTILE)
    judged.click("#go")
    expect_state(judged, "编辑中")
    expect(judged.locator("#standing")).to_contain_text(HOSTILE)
    page.reload()
    confirm(page, "submit")
    expect_state(page, "待审核")
    judged.reload()
    confirm(judged, "approve")
    expect_state(judged, "已批准")
    confirm(judged, "publish")
    expect_state(judged, "已发布")
    judged.get_by_role("link", name="修订 2").click()
    expect(judged.locator("#land tbody tr")).to_have_count(1)


def test_who_was_overtaken_is_told_and_sees_the_draft_as_it_is(editor):
    page = editor.page
    merge(editor, WEST + "001", WEST + "002")
    page.click("#do-submit")
    # Meanwhile, in another window.
    send(page, "undo", {})
    page.click("#go")
    expect(page.locator("#told")).to_contain_text("已被他人修改")
    expect(page.locator("#steps li.undone")).to_have_count(1)
    expect(page.locator("#confirm")).to_be_hidden()
    editor.wrong[:] = [said for said in editor.wrong if "412" not in said]


def test_conflicts_are_settled_one_by_one(editor, sign_in, house):
    page = editor.page
    merge(editor, WEST + "001", WEST + "002")
    ours = page.url
    # Another draft merges them the other way round, and is published first.
    editor.open("/drafts")
    page.fill("#title", "另一稿")
    page.keyboard.press("Enter")
    page.wait_for_selector("#standing h1")
    merge(editor, WEST + "002", WEST + "001")
    confirm(page, "submit")
    expect_state(page, "待审核")
    reviewer = sign_in("sun")
    judged = reviewer.open(page.url.removeprefix(house))
    confirm(judged, "approve")
    expect_state(judged, "已批准")
    confirm(judged, "publish")
    expect_state(judged, "已发布")
    page.goto(ours)
    expect(page.locator("#standing")).to_contain_text("又发布了 1 个修订")
    confirm(page, "rebase")
    expect(page.locator("#settle fieldset")).to_have_count(2)
    page.click("#go")
    expect(page.locator("#refused")).to_contain_text("每一处冲突")
    for each in page.locator("#settle input[value=theirs]").all():
        each.check()
    page.click("#go")
    expect(page.locator("#standing")).to_contain_text("修订 2")
    expect(page.locator("#land")).to_contain_text("没有土地易主")
    editor.wrong[:] = [said for said in editor.wrong if "409" not in said]


def test_the_list_says_what_is_missing_and_asks_no_other_machine(sign_in):
    watched = sign_in("hu")
    page = watched.open("/drafts?lang=en")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#refused")).to_contain_text("Give it a title")
    assert page.locator(".site-nav [aria-current=page]").text_content() == "Drafts"
