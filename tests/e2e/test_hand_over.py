"""A dispatcher hands an incident to the neighbour, and an editor sees where lines are in doubt, in a browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.api.working import until
from tests.e2e.watching import HOSTILE
from tests.paper_city import WEST, point

pytestmark = pytest.mark.browser


@pytest.fixture
def page(watch, closed_home):
    """The page of an incident at (1.5, 0.5), opened by a signed-in administrator."""
    watched = watch(closed_home)
    page = watched.open("/login?next=/docs")
    page.fill("#username", "zhang")
    page.fill("#password", "correct horse")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{closed_home}/docs")
    lon, lat = point(1.5, 0.5)
    box = f"{lon - 1e-5},{lat - 1e-5},{lon + 1e-5},{lat + 1e-5}"
    found = page.evaluate(f"fetch('/api/incidents?bbox={box}').then((reply) => reply.json())")
    watched.open(f"/incidents/{found['incidents'][0]['id']}")
    page.wait_for_selector("#neighbours label")
    return page


def test_an_incident_is_handed_over_with_a_reason_and_released(page):
    expect(page.locator("#incident .area-code")).to_have_text(WEST + "002")
    page.keyboard.press("1")
    page.click("#hand-over-form [type=submit]")
    expect(page.locator("#refused")).to_contain_text("请说明原因")
    expect(page.locator("#refused")).not_to_contain_text("请选择")
    page.get_by_role("button", name="跨界道路").click()
    page.click("#hand-over-form [type=submit]")
    standing = page.locator("#manual .note")
    expect(standing).to_contain_text("跨界道路")
    expect(standing).to_contain_text("zhang")
    expect(page.locator("#incident .area-code")).to_have_text(WEST + "001")
    expect(page.locator("#neighbours label").first).to_contain_text("位置所在")
    standing.get_by_role("button").click()
    expect(standing).to_have_count(0)
    expect(page.locator("#incident .area-code")).to_have_text(WEST + "002")
    assert page.locator("#history tbody tr").count() >= 3


def test_a_grid_is_chosen_on_the_map(page):
    box = page.locator("#map").bounding_box()
    # 100 m west of the middle is still the same grid; far east of it is the neighbour's.
    page.mouse.click(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2)
    expect(page.locator("input[name=area]:checked")).to_have_count(1)


def test_an_address_in_words_waits_with_the_places_it_may_mean_until_one_is_chosen(page, closed_home):
    # Its code is the only name of the compound that is not hostile.
    filed = page.evaluate(
        """async (address) => {
        const { csrf } = JSON.parse(document.getElementById('page-config').textContent);
        const reply = await fetch('/api/incidents', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
            body: JSON.stringify({ category: '0101', address }),
        });
        return reply.json();
    }""",
        WEST + "C01",
    )
    assert filed["assignment"]["area"] is None
    page.goto(f"{closed_home}/incidents/{filed['id']}")
    expect(page.locator("#told")).to_contain_text("地址可能是哪里")
    expect(page.locator("#places")).to_contain_text(HOSTILE)
    expect(page.locator("#map .candidate-mark").first).to_have_text("1")
    page.get_by_role("button", name="就是这里").first.click()
    expect(page.locator("#incident .area-code")).to_have_text(re.compile("^4"))
    expect(page.locator("#told")).to_be_hidden()


def test_without_an_account_there_is_no_form_to_send(browser):
    page = browser.open("/maps/borders.html")
    found = page.evaluate("fetch('/api/incidents?unassigned=false').then((reply) => reply.json())")
    page = browser.open(f"/incidents/{found['incidents'][0]['id']}")
    page.wait_for_selector("#neighbours label")
    assert page.locator("#hand-over-form [type=submit]").count() == 0
    assert page.get_by_role("link", name="登录").last.is_visible()


def test_the_worst_border_opens_with_its_figures(browser):
    page = browser.open("/maps/borders.html?within_m=100")
    page.locator("#worst button").first.click()
    popup = page.locator(".leaflet-popup-content")
    expect(popup).to_contain_text("靠近边界")
    expect(popup).to_contain_text("每公里")
    page.select_option("#by", "handed_over")
    expect(page.locator("#worst .note, #worst table")).to_have_count(1)
    with page.expect_navigation():
        page.select_option("#within_m", "50")
    assert "within_m=50" in page.url


def test_an_incident_leads_from_the_map_to_its_page(browser):
    page = browser.open("/maps/incidents.html")
    page.wait_for_selector("#choose-rule label")
    page.locator("input[value=points]").check(force=True)
    lon, lat = point(1.5, 0.5)
    name = page.locator(".folium-map").get_attribute("id")
    x, y = page.evaluate(
        f"(() => {{ const at = {name}.latLngToContainerPoint([{lat}, {lon}]); return [at.x, at.y]; }})()"
    )
    page.locator(".folium-map").click(position={"x": x, "y": y})
    link = page.get_by_role("link", name="移交给邻格")
    link.wait_for()
    # The map moves to make room for the popup; a click in the midst of that misses.
    until(lambda: not page.evaluate(f"Boolean({name}._panAnim?._inProgress)"))
    link.click()
    page.wait_for_selector("#neighbours label")
