"""Columns become fields, words become values, and what cannot is named."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from geo.faults import DataError
from layers.catalogue import SPECS
from layers.imports import fields


def mapped(layer, stated=None, **columns):
    frame = pd.DataFrame(columns)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return fields.mapped(frame, SPECS[layer], stated or {})


def kinds(result):
    return [(fault.row, fault.field, fault.kind) for fault in result.faults]


def test_columns_are_found_by_chinese_english_and_cut_names():
    for names in (
        ("编码", "名称", "上级编码"),
        ("CODE", " Name ", "Parent_Code"),
        ("代码", "mc", "parent_cod"),
    ):
        found = fields.match(list(names), SPECS["communities"], {})
        assert found == dict(zip(("code", "name", "parent_code"), names, strict=True))


def test_the_columns_of_map_providers_and_of_land_surveys_are_known():
    for names in (("adcode", "name"), ("XZQDM", "XZQMC"), ("行政区划代码", "名称")):
        found = fields.match(list(names), SPECS["districts"], {})
        assert found == dict(zip(("code", "name"), names, strict=True))


def test_a_stated_column_outranks_the_names_and_an_empty_one_says_there_is_none():
    found = fields.match(["name", "社区"], SPECS["communities"], {"name": "社区", "people": ""})
    assert found == {"name": "社区"}


def test_what_is_stated_wrongly_is_named_all_at_once_with_suggestions():
    with pytest.raises(DataError) as error:
        fields.match(["名称", "pop"], SPECS["communities"], {"nam": "名称", "people": "popu"})
    assert [fault.field for fault in error.value.faults] == ["nam", "popu"]
    assert "did you mean name" in str(error.value)
    assert "did you mean pop" in str(error.value)


def test_numbers_are_read_rounded_and_refused():
    result = mapped("communities", people=["1,200", 12.5, "x", None, "nan", 1e12, -1])
    assert result.table["people"].tolist()[:2] == [1200, 13]
    assert result.table["people"].isna().tolist() == [False, False, True, True, True, True, True]
    assert kinds(result) == [(row, "people", "value-invalid") for row in (3, 5, 6, 7)]
    assert "below zero" in result.faults[-1].message
    assert result.notes == ["1 values of people were rounded to whole numbers."]


def test_codes_that_a_table_turned_into_numbers_keep_their_digits():
    result = mapped("grids", code=[420102003001001.0, 7.0, np.nan])
    assert result.table["code"].tolist()[:2] == ["420102003001001", "7"]
    assert pd.isna(result.table["code"].iloc[2])


@pytest.mark.parametrize(
    ("word", "value"),
    [("2026-01-31", dt.date(2026, 1, 31)), ("2026/1/31", dt.date(2026, 1, 31)), ("2026年1月31日", dt.date(2026, 1, 31)),
     ("2026.01.31 08:00", dt.date(2026, 1, 31)), (pd.Timestamp("2026-01-31T08:00:00"), dt.date(2026, 1, 31)), ("2026-02-30", None), ("tomorrow", None)],
)  # fmt: skip
def test_dates(word, value):
    result = mapped("posts", 岗位=["网格长"], 姓名=["张三"], 网格编码=["1"], 起始日期=[word])
    assert result.table["valid_from"].tolist() == [value]
    assert bool(result.faults) == (value is None)


@pytest.mark.parametrize(
    ("word", "value"), [("是", True), ("T", True), (1, True), (True, True), ("viaduct", True), ("no", False), ("否", False), (0, False), ("maybe", None)]
)  # fmt: skip
def test_booleans(word, value):
    result = mapped("streets", bridge=[word])
    assert result.table["bridge"].tolist() == [value]
    assert bool(result.faults) == (value is None)


def test_choices_take_either_language_and_list_what_there_is():
    result = mapped("compounds", form=["物业小区", "MANAGED", "别墅", None])
    assert result.table["form"].tolist()[:2] == ["managed", "managed"]
    assert "物业小区" in result.faults[0].message
    assert kinds(result) == [(3, "form", "value-invalid")]


def test_required_values_are_missed_whether_the_column_is_empty_or_absent():
    result = mapped("facilities", name=["a", "b"])
    assert kinds(result) == [(1, "type", "value-missing"), (2, "type", "value-missing")]
    result = mapped("facilities", type=["小学", " "])
    assert kinds(result) == [(2, "type", "value-missing")]


def test_what_has_no_field_is_kept_as_json():
    stamp = pd.Timestamp("2026-01-01T08:00:00")
    result = mapped(
        "districts",
        code=["420102"],
        备注=["x"],
        n=[np.int64(3)],
        t=[stamp],
        empty=[None],
        extra=['{"a": [1]}'],
    )
    assert result.table["extra"].tolist() == [{"a": [1], "备注": "x", "n": 3, "t": "2026-01-01T08:00:00"}]
