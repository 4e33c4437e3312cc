"""What words say before anything is looked up: spelling, numbers, coordinates, and how names fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.faults import DataError
from layers.search import grams
from layers.search.coordinates import pasted
from layers.search.matching import fit
from layers.search.phrases import MOST, house_number, parse
from layers.search.spelling import alike, readings, squeezed, syllabified
from layers.search.wording import aliases, split


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("第三网格", "3网格"),
        ("第３网格", "3网格"),
        ("二十四城", "24城"),
        ("一百零二号", "102号"),
        ("一二零号", "120号"),
        ("三千五百零六", "3506"),
        ("千山路", "千山路"),
        ("百花园", "百花园"),
        ("东风路 120号", "东风路120号"),
        ("120号 3栋", "120号3栋"),
        ("12 34", "12/34"),
        ("解放大道12－3号", "解放大道12-3号"),
        ("Calle León y Castillo", "calleleonycastillo"),
        ("嘉湖小区（老旧小区）", "嘉湖小区老旧小区"),
    ],
)
def test_one_spelling_for_all_that_mean_the_same(text, spelling):
    assert squeezed(text) == spelling


@given(st.text(max_size=60))
def test_squeezing_twice_changes_nothing(text):
    # Numerals beside digits may join at the second time; nobody writes 一1.
    once = squeezed(text)
    if not any(character in "第零一二三四五六七八九〇十百千" for character in once):
        assert squeezed(once) == once


@pytest.mark.parametrize(
    ("character", "found"),
    [("长", {"chang", "zhang"}), ("家", {"jia"}), ("乐", {"le", "yue"}), ("3", {"san"})],
)
def test_characters_keep_their_usual_readings(character, found):
    assert set(readings(character)) == found


def test_sounds_that_are_taken_for_each_other():
    assert alike("zhang") == alike("zan")
    assert alike("lin") == alike("ning")
    assert alike("hu") != alike("fu")


def test_letters_are_divided_into_syllables_and_initials():
    assert syllabified("jiahuxiaoqu")[0] == ("jia", "hu", "xiao", "qu")
    assert syllabified("jiahxq")[0] == ("jia", "h", "x", "q")
    assert ("xi", "an") in syllabified("xian")


def test_a_name_is_a_proper_part_and_a_kind():
    assert split("嘉湖小区") == ("嘉湖", "小区")
    assert split("保成社区居委会") == ("保成", "社区居委会")
    assert split("东村") == ("东村", "")


def test_aliases_stand_in_the_sources_own_fields():
    assert list(aliases({"曾用名": "老嘉湖、嘉湖里", "备注": "无", "alias": None})) == ["老嘉湖", "嘉湖里"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("东风路120号附近嘉湖小区3栋", [("120", "house"), ("3", "building")]),
        ("东风路一百二十号", [("120", "house")]),
        ("嘉湖小区三号楼2单元501室", [("3", "building")]),
        ("A座", [("a", "building")]),
        ("3#楼", [("3", "building")]),
        ("东风路120", [("120", "house")]),
        ("地铁3号线", []),
        ("3号门", []),
        ("007号", [("7", "house")]),
        ("XQ0002", []),
    ],
)
def test_numbers_of_houses_and_buildings(text, numbers):
    assert [(number.value, number.kind) for number in parse(text).numbers] == numbers


@pytest.mark.parametrize(
    ("text", "number"), [("120号", "120"), ("12-3", "12"), ("3栋", "3"), ("A座", "a"), ("甲", None)]
)
def test_the_number_of_a_layers_own_field(text, number):
    assert house_number(text) == number


@pytest.mark.parametrize(
    ("text", "x", "y", "marked"),
    [
        ("113.459,23.1064", 113.459, 23.1064, False),
        ("１１３.459，23.1064", 113.459, 23.1064, False),
        ("(113.459 23.1064)", 113.459, 23.1064, False),
        ("23°06'23\"N 113°27'32\"E", 113 + 27 / 60 + 32 / 3600, 23 + 6 / 60 + 23 / 3600, True),
        ("105°49′30″E 32°26′10″N", 105.825, 32 + 26 / 60 + 10 / 3600, True),
        ("北纬23.1度，东经113.4度", 113.4, 23.1, True),
        ("lat: 23.1, lon: 113.4", 113.4, 23.1, True),
        ("539678.66 3544147.28", 539678.66, 3544147.28, False),
        ("28.1 -15.4", 28.1, -15.4, False),
        ("33°27'S 70°40'W", -(70 + 40 / 60), -(33 + 27 / 60), True),
    ],
)
def test_pasted_coordinates(text, x, y, marked):
    found = pasted(text)
    assert (found.x, found.y, found.marked) == (pytest.approx(x), pytest.approx(y), marked)


@pytest.mark.parametrize(
    "text",
    [
        *("12 34", "东风路120号", "105.4,32.0嘉湖", "1.5", "1.5 2.5 3.5", "23.1N 24.2N", "XQ0002"),
        # Read in one pass: tried again from every blank, these would take minutes.
        *(" " * 60_000, "N" + " " * 60_000, "1°" + " " * 60_000),
    ],
)
def test_what_is_no_coordinate(text):
    assert pasted(text) is None


@pytest.mark.parametrize("text", ["", " \t", "。。，", "%_%", "😀🚓", "'; --", "長" * (MOST + 1)])
def test_what_cannot_be_read_is_named(text):
    with pytest.raises(DataError) as caught:
        parse(text)
    assert caught.value.faults[0].field == "q"


@given(st.text(min_size=1, max_size=80))
def test_any_text_is_read_or_named(text):
    try:
        phrase = parse(text)
    except DataError:
        return
    grams.of_phrase(phrase)
    fit("嘉湖小区", phrase)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("嘉湖小区", "我在嘉湖小区这边"),
        ("嘉湖小区", "佳湖小区"),
        ("嘉湖小区", "嘉湖花园"),
        ("嘉湖小区", "嘉湖"),
        ("嘉湖小区", "嘉潮小区"),
        ("嘉湖小区", "湖嘉小区"),
        ("嘉湖小区", "嘉小区"),
        ("嘉湖小区", "jhxq"),
        ("嘉湖小区", "jiahuxiaoqu"),
        ("嘉湖小区", "jiahu小区3栋"),
        ("嘉湖小区", "jiahxq"),
        ("翠坡社区第三网格", "翠坡3网格"),
        ("Calle León y Castillo", "calle leon y castilo 12"),
    ],
)
def test_what_is_said_shares_pieces_with_the_name_and_fits_it(name, text):
    phrase, key = parse(text), squeezed(name)
    assert set(grams.of_name(key, name)) & set(grams.of_phrase(phrase))
    assert fit(key, phrase).quality > 0.6


def test_the_better_said_fits_better():
    said = ["嘉湖小区", "佳湖小区", "嘉湖小", "嘉湖花园", "嘉湖", "嘉潮小区"]
    qualities = [fit("嘉湖小区", parse(text)).quality for text in said]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] == 1


def test_another_kind_of_place_is_another_place():
    assert fit("嘉湖小区", parse("嘉湖小学")).quality < 0.7
    assert fit("书源雅居", parse("逛岗家属院")) is None


def test_a_kind_may_follow_as_a_possession():
    assert fit("学塘大院快递驿站", parse("学塘大院的快递点")).quality > 0.9


def test_a_fit_says_which_part_of_the_text_it_is():
    phrase = parse("我在佳湖花园3栋")
    found = fit("嘉湖小区", phrase)
    assert phrase.text[found.start : found.end] == "佳湖花园"
