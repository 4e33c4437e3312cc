"""The pages in a real browser: they work, ask no other machine, and run no name."""

import re

import pytest
from playwright.sync_api import expect

from api.cli import map_
from tests.e2e.watching import HOSTILE
from tests.paper_city import EAST, WEST, point

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/locate",
    "/coverage",
    "/gaps",
    "/siting",
    "/layers",
    "/login",
    "/docs",
    "/maps/grids.html",
    "/maps/coverage.html",
    "/maps/incidents.html",
    "/maps/borders.html",
]
MAPS = [
    "/maps/grids.html",
    "/maps/coverage.html?facility_type=fresh_market",
    "/maps/incidents.html",
    "/maps/borders.html",
]


#: Controls of ours that a screen reader could not name.
_UNNAMED_CONTROLS = """() => [...document.querySelectorAll('main input:not([type=hidden]), main select, main button')]
    .filter((element) => !element.closest('#swagger-ui, .leaflet-container'))
    .filter((element) => !(element.labels?.length || element.textContent.trim() || element.ariaLabel || element.title))
    .map((element) => element.outerHTML)"""


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_opens_and_asks_no_other_machine(browser, path, language):
    page = browser.open(f"{path}?lang={language}")
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]
    assert page.locator(".brand .city").text_content() == HOSTILE
    assert page.locator(".invented").is_visible()
    assert page.evaluate(_UNNAMED_CONTROLS) == []


@pytest.mark.parametrize("path", MAPS)
def test_a_map_is_drawn_over_our_own_streets(browser, path):
    page = browser.open(path)
    page.wait_for_selector(".street-tiles canvas")
    assert page.locator(".map-message").count() == 0
    assert "虚构演示数据" in page.locator(".leaflet-control-attribution").text_content()


def test_each_user_is_one_click_from_the_job(browser):
    jobs = {"定位归属": "/locate", "覆盖分析": "/coverage", "图层与缺陷": "/layers"}
    for button, path in jobs.items():
        page = browser.open("/")
        page.locator(".role").get_by_text(button, exact=True).click()
        page.wait_for_url(re.compile(re.escape(browser.home + path)))


def test_a_dispatcher_types_a_coordinate_and_reads_the_grid(browser):
    page = browser.open("/locate")
    lon, lat = point(1, 3)
    page.keyboard.type(f"{lon}， {lat}")
    page.keyboard.press("Enter")
    page.wait_for_selector(".area-code")
    assert page.locator(".area-code").text_content() == WEST + "002"
    assert page.locator(".area-name").text_content() == HOSTILE
    assert "027-5550101" in page.locator("#answer").text_content()
    assert f"lon={lon}" in page.url


def test_a_dispatcher_reads_who_lies_across_the_border_and_what_is_near(browser):
    page = browser.open("/locate")
    page.select_option("#facility-type", "fresh_market")
    lon, lat = point(3.95, 3)
    page.fill("#place", f"{lon}, {lat}")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .note.warn")
    assert "4.7 米" in page.locator("#answer .note.warn").text_content()
    answer = page.locator("#answer").text_content()
    assert WEST + "001" in answer
    assert "步行" in answer
    assert "facility_type=fresh_market" in page.url


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("114°15′30″E 30°30′36″N", (114.2583333, 30.51)),
        ("北纬30.51 东经114.26", (114.26, 30.51)),
        ("N30.51, E114.26", (114.26, 30.51)),
        ("114.26 30.51", (114.26, 30.51)),
    ],
)
def test_a_coordinate_is_understood_as_people_write_it(browser, text, place):
    page = browser.open("/locate")
    page.fill("#place", text)
    with page.expect_request(re.compile("/api/locate")) as asked:
        page.keyboard.press("Enter")
    query = dict(part.split("=") for part in asked.value.url.split("?")[1].split("&"))
    assert (float(query["lon"]), float(query["lat"])) == pytest.approx(place, abs=1e-6)


def test_what_is_no_coordinate_is_said(browser):
    page = browser.open("/locate")
    page.fill("#place", "人民路 5 号")
    page.keyboard.press("Enter")
    assert "没有看懂" in page.locator("#answer [role=alert]").text_content()


def test_swapped_axes_are_offered_the_right_way_round(watch, home):
    browser = watch(home)
    page = browser.open("/locate")
    lon, lat = point(1, 3)
    page.fill("#place", f"{lat}, {lon}")
    page.keyboard.press("Enter")
    page.locator("#answer .button").click()
    page.wait_for_selector(".area-code")
    assert page.locator(".area-code").text_content() == WEST + "002"
    # The first answer was a refusal, as it should be.
    browser.wrong[:] = [said for said in browser.wrong if "422" not in said]


def test_a_click_on_the_map_is_located(browser):
    page = browser.open("/locate")
    page.wait_for_selector(".street-tiles canvas")
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#answer .area-code")
    assert page.locator("#place").input_value()


def test_a_planner_changes_the_question_and_the_table_follows(browser):
    page = browser.open("/coverage?facility_type=fresh_market&level=community")
    page.wait_for_selector("#result table")
    assert page.locator("#result tbody tr").count() == 2
    page.select_option("#level", "grid")
    expect(page.locator("#result tbody tr")).to_have_count(8)
    assert "level=grid" in page.url
    page.locator("th[data-key=code] button").click()
    assert page.locator("th[data-key=code]").get_attribute("aria-sort") == "ascending"
    href = page.locator("[data-format=xlsx]").get_attribute("href")
    assert "level=grid" in href
    assert "format=xlsx" in href


def test_a_planner_sees_who_is_outside_and_takes_it_away(browser):
    page = browser.open("/coverage?facility_type=fresh_market&minutes=5&level=community")
    page.wait_for_selector("#result table")
    page.get_by_role("button", name="空白区").click()
    page.wait_for_selector("#result table")
    assert "minutes=5" in page.url
    page.locator("input[name=list][value=compounds]").check(force=True)
    assert HOSTILE in page.locator("#result tbody").text_content()
    page.locator("#result tbody .link").first.click()
    link = page.locator("[data-report=pdf]").get_attribute("href")
    assert "facility_type=fresh_market" in link
    assert browser.page.request.get(browser.home + link).headers["content-type"] == "application/pdf"
    page.select_option("#minutes", "15")
    expect(page.locator("[data-gaps=gpkg]")).to_have_attribute("href", re.compile("minutes=15"))


def test_a_planner_asks_where_to_build(browser):
    page = browser.open("/siting?facility_type=kindergarten&minutes=5")
    page.select_option("#candidates", "compounds")
    page.get_by_role("button", name="求解").click()
    page.wait_for_selector("#result table")
    assert "已证明" in page.locator("#result").text_content()
    assert page.locator(".candidate-mark").count() == page.locator("#result tbody tr").count() > 0


def test_what_cannot_be_sited_is_said(watch, home):
    browser = watch(home)
    page = browser.open("/siting?facility_type=kindergarten&lang=en")
    page.fill("#within", "nowhere")
    page.get_by_role("button", name="Find sites").click()
    assert "nowhere" in page.locator("#result [role=alert]").text_content()
    # The refusal is in the browser's log, as it should be.
    browser.wrong[:] = [said for said in browser.wrong if "422" not in said]


def test_elements_places_and_the_standard_stand_below_the_table(browser):
    page = browser.open("/coverage?facility_type=primary_school&level=community")
    for part in ("standard", "elements", "capacity"):
        page.wait_for_selector(f"#{part} table")
    assert page.locator("#elements tbody tr").count() == 2
    page.check("#estates-apart")
    expect(page.locator("#elements tbody tr")).to_have_count(4)
    expect(page.locator("#result tbody tr")).to_have_count(4)
    page.fill("#need", "0.5")
    page.locator("#need").dispatch_event("change")
    page.wait_for_selector("#capacity table")
    assert "need=0.5" in page.locator("#capacity [data-write=xlsx]").get_attribute("href")
    page.select_option("#weight", "land")
    expect(page.locator("#elements")).to_be_hidden()


def test_a_grid_opens_from_its_address_and_from_the_search(browser):
    page = browser.open(f"/maps/grids.html?code={WEST}002")
    popup = page.locator(".leaflet-popup-content")
    assert popup.locator("h3").text_content() == HOSTILE
    assert "027-5550101" in popup.text_content()
    page.fill("#find", EAST + "003")
    page.keyboard.press("Enter")
    expect(popup.last.locator("div.code")).to_have_text(EAST + "003")


def test_a_level_can_be_taken_off_the_map(browser):
    page = browser.open("/maps/grids.html")
    assert page.locator("label:has(#show-grid) .count").text_content() == "8"
    page.uncheck("#show-grid")
    page.uncheck("#show-fill")
    page.check("#show-grid")


def test_coverage_switches_budgets_and_stands_beside_the_circle(browser):
    page = browser.open("/maps/coverage.html?facility_type=fresh_market&minutes=5")
    page.wait_for_selector("#legend-areas li")
    share = page.locator("#share-network").text_content()
    page.locator("input[name=budget][value='15']").check(force=True)
    assert page.locator("#share-network").text_content() != share
    page.check("#show-reach")
    page.check("#compare")
    titles = page.locator(".map-title")
    assert titles.count() == 2
    assert "沿道路步行" in titles.nth(0).text_content()
    assert "直线圆" in titles.nth(1).text_content()
    page.uncheck("#compare")
    assert not titles.nth(1).is_visible()


def test_another_facility_type_reloads_the_map(browser):
    page = browser.open("/maps/coverage.html?facility_type=fresh_market")
    with page.expect_navigation(url=re.compile("facility_type=primary_school")):
        page.select_option("#facility_type", "primary_school")
    page.wait_for_selector("#legend-areas li")


def test_incidents_are_filtered_by_rule_status_and_time(browser):
    page = browser.open("/maps/incidents.html")
    page.wait_for_selector("#choose-rule label")
    assert page.locator("#kept").text_content() == "4 / 4"
    page.get_by_label("无归属").uncheck()
    assert page.locator("#kept").text_content() == "3 / 4"
    page.fill("#from", "2026-02-01")
    assert page.locator("#kept").text_content() == "2 / 4"
    page.locator("[data-all=category]").click()
    assert page.locator("#kept").text_content() == "0 / 4"
    for mode in ("heat", "points", "clusters"):
        page.locator(f"input[value={mode}]").check(force=True)


def test_swagger_lists_the_api_from_this_machine(browser):
    page = browser.open("/docs")
    page.wait_for_selector(".opblock")
    assert page.locator(".opblock").count() > 10


def test_signing_in_works_in_a_browser_and_leads_back(watch, closed_home):
    page = watch(closed_home).open("/maps/grids.html")
    page.fill("#username", "zhang")
    page.fill("#password", "correct horse")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{closed_home}/maps/grids.html")
    page.wait_for_selector(".street-tiles canvas")
    page.get_by_role("button", name="退出").click()
    page.wait_for_url(f"{closed_home}/")
    assert page.get_by_role("link", name="登录").is_visible()


@pytest.mark.parametrize("kind", ["grids", "coverage", "incidents", "borders"])
def test_a_map_in_one_file_opens_without_a_service(watch, hostile_city, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("WANGGE_DATABASE_URL", hostile_city)
    file = tmp_path / f"{kind}.html"
    map_.draw_map(kind, output=file, facility_type="fresh_market")
    page = watch("file://").open(str(file))
    page.wait_for_selector(".street-tiles canvas")
    assert page.locator(".map-message").count() == 0
    assert page.locator(".panel .hint").first.text_content() == HOSTILE


@pytest.mark.parametrize("path", [*PAGES[:5], *MAPS])
def test_a_page_fits_a_phone(watch, home, path):
    page = watch(home, has_touch=True, is_mobile=True).open(path)
    page.set_viewport_size({"width": 390, "height": 844})
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_an_incident_opens_with_what_its_record_says(browser):
    page = browser.open("/maps/incidents.html")
    page.wait_for_selector("#choose-rule label")
    page.locator("input[value=points]").check(force=True)
    lon, lat = point(1.5, 0.5)
    name = page.locator(".folium-map").get_attribute("id")
    x, y = page.evaluate(
        f"(() => {{ const at = {name}.latLngToContainerPoint([{lat}, {lon}]); return [at.x, at.y]; }})()"
    )
    page.locator(".folium-map").click(position={"x": x, "y": y})
    popup = page.locator(".leaflet-popup-content")
    expect(popup.locator("dd", has_text=HOSTILE).first).to_be_visible()
    assert WEST + "002" in popup.text_content()
