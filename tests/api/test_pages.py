"""The pages over HTTP: who may see them, in which language, under which policy."""

import re

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.access import COOKIE
from api.app import create_app
from api.dependencies import now
from api.settings import Settings
from layers import accounts, database, deployment, incidents
from tests import paper_city, walking_city
from tests.conftest import fresh_database
from tests.paper_city import NOW, WEST, point

PAGES = [
    "/",
    "/locate",
    "/coverage",
    "/scenarios",
    "/streets",
    "/layers",
    "/docs",
    "/incidents",
    "/login",
    "/maps/grids.html",
    "/maps/coverage.html",
    "/maps/incidents.html",
]
DATA = ["streets", "areas", "coverage", "incidents"]


@pytest.fixture(scope="module")
def site(server):
    """A client of the application as the demo runs it, on the walking city; for tests that change nothing."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=4)
        with database.sessions(engine)() as session:
            walking_city.build(session)
        engine.dispose()
        with TestClient(create_app(Settings(database_url=url, threads=8), open_reading=True)) as client:
            yield client


@pytest.fixture
def browser(settings, session):
    """A browser over TLS, as behind a proxy, and an account for it: zhang, correct horse."""
    accounts.create(session, "zhang", "correct horse", "viewer", now=now())
    session.commit()
    with TestClient(create_app(settings), base_url="https://grid.example") as client:
        yield client


def nonce_of(reply):
    return re.search(r"script-src 'nonce-([\w-]+)'", reply.headers["Content-Security-Policy"]).group(1)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_runs_only_its_own_scripts(site, path, language):
    reply = site.get(path, params={"lang": language})
    assert reply.status_code == 200
    scripts = re.findall(r"<script(?![^>]*application/json)[^>]*>", reply.text)
    assert all(f'nonce="{nonce_of(reply)}"' in script for script in scripts)
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|\son\w+=|\sstyle=""", reply.text)
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in reply.text
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_every_page_has_its_own_nonce(site):
    assert nonce_of(site.get("/")) != nonce_of(site.get("/"))


@pytest.mark.parametrize("path", ["/", "/maps/grids.html", "/maps/coverage.html?minutes=5"])
def test_an_unchanged_page_is_not_sent_again(site, path):
    etag = site.get(path).headers["ETag"]
    again = site.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    # The page that is kept goes on with the policy it came with.
    assert "Content-Security-Policy" not in again.headers


def test_an_invented_city_says_so_on_every_page(open_client, session):
    deployment.choose(session, [114.25], [30.5], now=NOW, city="示例市", invented=True)
    paper_city.publish(session, paper_city.layers())
    for path in PAGES:
        assert "虚构演示数据" in open_client.get(path).text


def test_a_real_city_does_not(site):
    assert "虚构" not in site.get("/").text


@pytest.mark.parametrize("path", PAGES)
def test_pages_open_on_an_empty_database(open_client, path):
    assert open_client.get(path).status_code == 200


@pytest.mark.parametrize("name", DATA)
def test_data_is_compressed_and_not_sent_twice(site, name):
    path = f"/maps/data/{name}.json"
    reply = site.get(path, headers={"Accept-Encoding": "gzip"})
    assert reply.status_code == 200
    assert reply.headers["Content-Encoding"] == "gzip"
    plain = site.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.json() == reply.json()
    etag = reply.headers["ETag"]
    assert site.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_data_changes_its_etag_with_what_it_shows(open_client, session):
    paper_city.build(session)
    path = "/maps/data/areas.json"
    before = open_client.get(path).headers["ETag"]
    renamed = paper_city.layers()["communities"].iloc[:1].assign(name="新名")
    paper_city.publish(session, {"communities": renamed}, now=now())
    open_client.app.state.runtime.snapshots.refresh()
    reply = open_client.get(path, headers={"If-None-Match": before})
    assert reply.status_code == 200
    assert "新名" in reply.text


@pytest.mark.parametrize(
    "query", ["minutes=7", "level=street", "profile=dog", "facility_type=shop", "lang=fr"]
)
def test_settings_that_are_none_are_refused(site, query):
    reply = site.get(f"/maps/coverage.html?{query}")
    assert reply.status_code == 422
    assert query.split("=")[0] in str(reply.json()["errors"])


def test_a_file_whose_address_names_its_content_is_kept_for_good(client):
    page = client.get("/login").text
    address = re.search(r'href="(/assets/static/site\.css\?v=\w+)"', page).group(1)
    assert "immutable" in client.get(address).headers["Cache-Control"]
    assert "immutable" not in client.get("/assets/static/site.css").headers["Cache-Control"]
    assert client.get("/assets/static/../../settings.py").status_code == 404
    assert client.get("/assets/vendor/manifest.json").status_code == 404


def test_who_must_sign_in_is_led_there_and_back(browser):
    html = {"Accept": "text/html"}
    asked = browser.get("/maps/grids.html?code=1", headers=html, follow_redirects=False)
    assert asked.headers["location"] == "/login?next=%2Fmaps%2Fgrids.html%3Fcode%3D1"
    entered = sign_in(browser, "zhang", "correct horse", asked.headers["location"])
    assert (entered.status_code, entered.headers["location"]) == (303, "/maps/grids.html?code=1")
    cookie = entered.headers["set-cookie"]
    for flag in (COOKIE, "HttpOnly", "Secure", "SameSite=lax"):
        assert flag in cookie
    assert browser.get("/maps/grids.html", headers=html, follow_redirects=False).status_code == 200


def sign_in(browser, name, password, path="/login"):
    form = browser.get(path).text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    fields = {key: value.replace("&amp;", "&") for key, value in fields.items()}
    return browser.post(
        "/login", data={**fields, "username": name, "password": password}, follow_redirects=False
    )


def test_data_refuses_a_visitor_instead_of_sending_a_form(browser):
    reply = browser.get("/maps/data/areas.json", follow_redirects=False)
    assert (reply.status_code, reply.headers["content-type"]) == (401, "application/problem+json")


def test_signing_out_ends_a_copied_cookie_too(browser):
    sign_in(browser, "zhang", "correct horse")
    copied = browser.cookies[COOKIE]
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/").text).group(1)
    assert browser.post("/logout", data={"csrf": "guessed"}).status_code == 403
    assert browser.post("/logout", data={"csrf": csrf}, follow_redirects=False).status_code == 303
    browser.cookies.set(COOKIE, copied)
    assert browser.get("/maps/data/areas.json").status_code == 401


@pytest.mark.parametrize(("name", "password"), [("zhang", "wrong"), ("nobody", "correct horse"), ("", "")])
def test_a_wrong_name_or_password_opens_nothing(browser, name, password):
    reply = sign_in(browser, name, password)
    assert reply.status_code == 401
    assert "账号或密码不正确" in reply.text
    assert COOKIE not in reply.cookies


def test_too_many_wrong_passwords_are_said_on_the_form(browser):
    for turn in range(10):
        assert sign_in(browser, "zhang", f"guess {turn}").status_code == 401
    reply = sign_in(browser, "zhang", "correct horse")
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) > 0
    assert "尝试次数过多" in reply.text
    assert COOKIE not in reply.cookies


def test_signing_in_again_ends_the_session_before(browser):
    sign_in(browser, "zhang", "correct horse")
    before = browser.cookies[COOKIE]
    sign_in(browser, "zhang", "correct horse")
    assert browser.cookies[COOKIE] != before
    browser.cookies.clear()
    browser.cookies.set(COOKIE, before)
    assert browser.get("/maps/data/areas.json").status_code == 401


def test_a_sign_in_sent_from_another_site_is_refused(browser):
    reply = browser.post("/login", data={"username": "zhang", "password": "correct horse", "csrf": "guessed"})
    assert reply.status_code == 401
    assert COOKIE not in reply.cookies


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "//[",
        "/%09/evil.example",
        "%0a//evil.example",
    ],
)
def test_signing_in_never_leads_to_another_site(browser, address):
    reply = sign_in(browser, "zhang", "correct horse", f"/login?next={address}")
    assert reply.headers["location"] == "/"


def test_a_password_over_plain_http_is_warned_about(settings):
    with TestClient(create_app(settings), base_url="http://grid.example") as client:
        assert "此连接未加密" in client.get("/login").text


def test_the_openapi_document_is_served(client):
    document = client.get("/openapi.json").json()
    assert "/maps/coverage.html" in document["paths"]
    assert "/maps/data/areas.json" not in document["paths"]


def test_incidents_on_the_map_are_those_of_the_callers_areas(client, sign_in, session):
    paper_city.build(session)
    lon, lat = zip(point(1.5, 0.5), point(5, 1), (0.0, 0.0), strict=True)
    frame = pd.DataFrame({"category": "E0101", "reported_at": now(), "lon": lon, "lat": lat})
    incidents.import_frame(session, frame, actor="test", now=now())
    session.commit()

    def seen(*areas):
        reply = client.get("/maps/data/incidents.json", headers=sign_in("dispatcher", *areas)).json()
        return len(reply["id"]), reply["areas"]

    assert seen() == (3, [WEST + "001", WEST + "002"])
    assert seen("420199") == (3, [WEST + "001", WEST + "002"])
    assert seen(WEST + "002") == (1, [WEST + "002"])
    assert client.get("/maps/data/incidents.json", headers=sign_in("viewer")).status_code == 403
