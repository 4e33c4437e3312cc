"""Places from words, in a town on paper: what is found, where, with which grid and why."""

import pytest
from sqlalchemy import func, select

from geo.faults import DataError
from layers import database, search, store
from layers.errors import NotFound
from layers.publishing import Change
from layers.search import names
from layers.tables import PlaceName
from tests import paper_town as town
from tests.conftest import fresh_database
from tests.layers.frames import SOUTH, UNIT, WEST, identifier


@pytest.fixture
def built(session):
    town.build(session)
    return session


def find(session, text, *, revision=1, **options):
    return search.find(session, revision, text, **options)


def first(session, text, **options):
    return find(session, text, **options)[0]


def on_paper(hit):
    return (hit.lon - WEST) / UNIT, (hit.lat - SOUTH) / UNIT


def rows(session):
    return session.scalar(select(func.count()).select_from(PlaceName))


@pytest.mark.parametrize(
    ("text", "layer", "code", "grid"),
    [
        ("嘉湖小区", "compounds", "X1", "G1"),
        ("我在佳湖小区这边", "compounds", "X1", "G1"),
        ("嘉湖花园", "compounds", "X1", "G1"),
        ("jhxq", "compounds", "X1", "G1"),
        ("jiahuxiaoqu", "compounds", "X1", "G1"),
        ("zhangyueyuan", "compounds", "X2", "G4"),
        ("changleyuan", "compounds", "X2", "G4"),
        ("嘉湖小学对面", "facilities", "F1", "G1"),
        ("嘉湖小区三号楼2单元", "buildings", "B3", "G1"),
        ("嘉湖小区 ３ 幢", "buildings", "B3", "G1"),
        ("科技大厦", "buildings", "B9", "G4"),
        ("东风路10号", "addresses", "A10", "G1"),
        ("东风路十二号", "addresses", "A12", "G1"),
        ("东风社区3网格", "grids", "G3", "G3"),
        ("东风区", "districts", "D1", "G1"),
        ("x2", "compounds", "X2", "G4"),
    ],
)
def test_what_is_said_is_found_with_its_grid(built, text, layer, code, grid):
    hit = first(built, text)
    assert (hit.layer, hit.code) == (layer, code)
    if layer != "districts":
        assert hit.grid_code == grid
    assert all(zh and en for zh, en in hit.reasons)


def test_a_crossing_is_where_the_streets_meet(built):
    for text in (
        "东风路与嘉湖大道交叉口",
        "嘉湖大道和东风路路口",
        "东风路嘉湖大道路口",
        "dongfenglu与嘉湖大道路口",
    ):
        hit = first(built, text)
        assert hit.kind == "crossing"
        assert on_paper(hit) == pytest.approx((0.5, 0.5), abs=1e-6)


def test_a_number_nobody_registered_is_placed_between_its_neighbours(built):
    hit = first(built, "东风路6号")
    assert (hit.kind, hit.name) == ("between", "东风路6号")
    assert on_paper(hit) == pytest.approx((0.3, 0.48), abs=1e-3)
    assert hit.uncertainty_m > 50
    assert "2号与10号之间" in hit.reasons[-1][0]


def test_a_number_beyond_the_known_ones_says_how_unsure_it_is(built):
    hit = first(built, "东风路90号")
    assert hit.kind == "nearest"
    assert hit.uncertainty_m > 300
    assert search.confident(find(built, "东风路90号")) is None


def test_a_street_without_numbers_gives_its_middle(built):
    hit = first(built, "嘉湖大道66号")
    assert hit.kind == "street"
    assert on_paper(hit) == pytest.approx((0.5, 1), abs=1e-3)
    assert hit.uncertainty_m == pytest.approx(UNIT * 110_900, rel=0.01)


def test_a_street_is_clipped_to_the_area_that_is_named_with_it(built):
    hit = next(hit for hit in find(built, "东风社区第三网格嘉湖大道") if hit.layer == "streets")
    assert on_paper(hit) == pytest.approx((0.5, 1.5), abs=1e-3)


def test_parts_that_agree_are_worth_more_than_parts_that_do_not(built):
    agree = first(built, "东风路10号附近 嘉湖小区3栋")
    assert (agree.code, agree.score) == ("B3", 1)
    assert any("相符" in zh for zh, _ in agree.reasons)
    apart = first(built, "东风路10号附近 长乐苑")
    assert apart.score < agree.score
    assert any("相距" in zh for zh, _ in apart.reasons)
    assert search.confident(find(built, "东风路10号附近 长乐苑")) is None


def test_near_by_makes_a_place_less_certain(built):
    plain, about = first(built, "东风路10号"), first(built, "东风路10号附近")
    assert about.uncertainty_m == plain.uncertainty_m + 100


def test_a_building_that_is_not_registered_is_its_compound(built):
    hit = first(built, "嘉湖小区8栋")
    assert (hit.layer, hit.code) == ("compounds", "X1")
    assert "8栋未登记" in hit.reasons[-1][0]


def test_confident_takes_only_what_is_beyond_doubt(built):
    assert search.confident(find(built, "嘉湖小区3栋")).code == "B3"
    assert search.confident(find(built, "嘉湖小区")).code == "X1"
    assert search.confident(find(built, "东风社区第三网格")).code == "G3"
    # Compound X3 lies in two grids, and what is dropped or unknown is no certainty.
    assert search.confident(find(built, "嘉园里")) is None
    assert search.confident(find(built, "嘉湖")) is None
    assert search.confident(find(built, "没有这个地方")) is None


def test_nearer_comes_first_among_equals(built):
    twins = town.facilities([("F8", "幸福小学", 0.1, 0.1), ("F9", "幸福小学", 1.9, 1.9)])
    revision = town.publish(built, {"facilities": twins}, town.NOW + town.DAY)
    for code, near in (("F8", (WEST, SOUTH)), ("F9", (WEST + 2 * UNIT, SOUTH + 2 * UNIT))):
        assert first(built, "幸福小学", revision=revision, near=near).code == code
    assert search.confident(find(built, "幸福小学", revision=revision)) is None


def test_nothing_that_fits_is_no_hit(built):
    assert find(built, "完全没有的名字") == []
    assert find(built, "3栋") == []


def test_wildcards_of_sql_are_letters_like_any(built):
    assert find(built, "%嘉湖_小区%")[0].code == "X1"
    assert find(built, "X_2%") == [] or find(built, "X_2%")[0].code == "X2"


def test_text_that_cannot_be_read_is_refused(built):
    with pytest.raises(DataError, match="holds no word"):
        find(built, "%_%")


def test_before_the_first_import_it_says_what_to_do(session):
    with pytest.raises(NotFound, match="wangge import"):
        find(session, "嘉湖小区")


# --- how names are kept ------------------------------------------------------------------------------------


def test_names_change_with_their_feature_and_the_past_stays(built):
    renamed = town.compounds([("X1", "碧波小区", 0.2, 0.6)])
    revision = town.publish(built, {"compounds": renamed}, town.NOW + town.DAY)
    assert first(built, "碧波小区", revision=revision).code == "X1"
    assert not any(hit.code == "X1" and hit.score > 0.9 for hit in find(built, "嘉湖小区", revision=revision))
    assert first(built, "嘉湖小区", revision=1).code == "X1"
    assert first(built, "碧波小区3栋", revision=revision).code == "B3"


def test_a_removed_feature_is_found_no_more(built):
    gone = Change(town.facilities([]), [identifier("F1")])
    revision = town.publish(built, {"facilities": gone}, town.NOW + town.DAY)
    assert not any(hit.code == "F1" for hit in find(built, "嘉湖小学", revision=revision))
    assert first(built, "嘉湖小学", revision=1).code == "F1"


def test_a_street_is_made_anew_from_all_its_pieces(built):
    renamed = town.streets([("S2", "西风路", [(0.5, 0.5), (2, 0.5)])])
    revision = town.publish(built, {"streets": renamed}, town.NOW + town.DAY)
    east, west = first(built, "东风路", revision=revision), first(built, "西风路", revision=revision)
    assert on_paper(east) == pytest.approx((0.25, 0.5), abs=1e-3)
    assert on_paper(west) == pytest.approx((1.25, 0.5), abs=1e-3)
    assert first(built, "东风路", revision=1).uncertainty_m > east.uncertainty_m


def test_a_publication_touches_only_what_it_changes(built):
    before = rows(built)
    town.publish(built, {"facilities": town.facilities([("F1", "嘉湖小学", 0.4, 0.72)])}, town.NOW + town.DAY)
    assert rows(built) == before + 1
    ended = select(PlaceName.code).where(PlaceName.rev_to == 2)
    assert built.scalars(ended).all() == ["F1"]


def test_aliases_and_addresses_find_a_feature_too(built):
    school = town.facilities([("F1", "嘉湖小学", 0.4, 0.7)])
    school["extra"] = [{"曾用名": "红星学堂"}]
    school["address"] = "纸上市东风区湖滨巷7号"
    revision = town.publish(built, {"facilities": school}, town.NOW + town.DAY)
    assert first(built, "红星学堂", revision=revision).code == "F1"
    assert first(built, "湖滨巷7号", revision=revision).code == "F1"


def test_a_rebuild_gives_every_revision_its_names_again(built):
    town.publish(built, {"compounds": town.compounds([("X1", "碧波小区", 0.2, 0.6)])}, town.NOW + town.DAY)
    town.publish(built, {"streets": Change(town.streets([]), [identifier("S2")])}, town.NOW + 2 * town.DAY)
    kept = _contents(built)
    names.rebuild(built)
    assert _contents(built) == kept


def test_migrating_names_what_was_published_before_names_were_kept(built, engine):
    kept = _contents(built)
    built.execute(store.table("place_names").delete())
    built.commit()
    database.migrate(engine)
    assert _contents(built) == kept


def _contents(session):
    table = store.table("place_names").c
    columns = [column for column in table if column.name != "id"]
    found = session.execute(select(*columns)).all()
    return sorted(tuple(map(str, row)) for row in found)


def test_chinese_is_found_in_a_database_of_the_plain_c_locale(server):
    """PostgreSQL's own trigrams would know no character there."""
    for url in fresh_database(server, template="template0", locale="C"):
        engine = database.make_engine(url, pool_size=2)
        database.migrate(engine)
        with database.sessions(engine)() as session:
            town.build(session)
            assert first(session, "佳湖小区").code == "X1"
        engine.dispose()
