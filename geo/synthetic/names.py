"""Invented Chinese names; none stands for a real place, firm or person."""

from collections.abc import Iterator

import numpy as np

CITY = "示例市"
DISTRICT = "望格区"

#: GB/T 2260 gives the first two digits to provinces and has none numbered 99, so no place bears this code.
COUNTY_CODE = "990102"

_FIRST = "青锦云望松柏桂梅兰竹荷枫榆翠清碧金银玉龙凤鹤鹭雁紫丹晨朝曙明永长安康宁和泰祥瑞福文书笔诗琴学德仁义礼信同兴盛"
_SECOND = "江溪泉湖塘池湾滩洲桥渡岭坪坡岗台园林庭门楼阁塔井源川谷峰畔堤津圩"
_SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红建国志文海燕春梅晓波宇欣怡子涵浩然思雨佳琪嘉俊峰雪婷"
)

#: Share of given names with two characters.
_TWO_CHARACTERS = 0.82

#: Departments of a district that look after old estates.
DEPARTMENTS = (
    "住房建设局",
    "民政局",
    "教育局",
    "卫生健康局",
    "城市管理局",
    "财政局",
    "文化旅游局",
    "市场监管局",
    "司法局",
    "水务局",
    "交通运输局",
    "林业局",
)

DIGITS = "零一二三四五六七八九"


def places(rng: np.random.Generator) -> Iterator[str]:
    """Two-character place names in random order, each once (about 1,800)."""
    pairs = [first + second for first in _FIRST for second in _SECOND]
    return (pairs[i] for i in rng.permutation(len(pairs)))


def people(count: int, rng: np.random.Generator) -> list[str]:
    """Names of people who do not exist; some share one, as people do."""
    surname = rng.choice(list(_SURNAMES), count)
    given = rng.choice(list(_GIVEN), (count, 2))
    long = rng.random(count) < _TWO_CHARACTERS
    return [s + a + (b if two else "") for s, (a, b), two in zip(surname, given, long, strict=True)]


def phones(count: int, rng: np.random.Generator) -> list[str]:
    """Work numbers that ring nowhere: no Chinese number has the area code 000."""
    return [f"000-{number:07d}" for number in rng.choice(9_000_000, count, replace=False) + 1_000_000]


def ordinal(number: int) -> str:
    """Write a number from 1 to 99 in Chinese characters."""
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else DIGITS[tens] + "十"
    return head + (DIGITS[ones] if ones or not tens else "")
