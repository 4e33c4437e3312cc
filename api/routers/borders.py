"""Where lines are wrong: borders by the incidents whose area hangs on where they were drawn."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api import border_words, table_formats
from api.access import Caller, Permission, needs
from api.borders import AskedDep, asked_by, statistics_at
from api.dependencies import RuntimeDep, SessionDep, SnapshotDep
from layers.borders import Question, Statistics
from layers.files import tables

router = APIRouter(tags=["borders"])


class BorderRow(BaseModel):
    """One border: a line between two areas (`shared`) or around them (`outer`), a `gap`, or an `overlap`.

    `borderline`, `border`, `overlap`, `nearest` and `none` count incidents, each at one border, by what the
    borders of this revision say of their places; `handed_over` counts decisions by hand that moved an incident
    across it. `per_km` is `total` by length, of a gap or overlap by its circumference. `lon`, `lat` is a place
    on it to go to.
    """

    rank: int
    kind: str
    left_code: str | None
    left_name: str | None
    right_code: str | None
    right_name: str | None
    codes: list[str]
    length_m: float
    area_m2: float | None
    borderline: int
    border: int
    overlap: int
    nearest: int
    none: int
    handed_over: int
    total: int
    per_km: float
    lon: float
    lat: float


class BorderTable(BaseModel):
    """Borders that have anything, the worst first: by `total`, then by `per_km`.

    `borders` and `length_m` are of all borders asked about; `elsewhere` and `handed_elsewhere` count what belongs
    to no border, `unplaced` incidents without coordinates.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "level": "grid",
                "scheme": "governance",
                "within_m": 20.0,
                "borders": 1482,
                "length_m": 512904.3,
                "elsewhere": 2,
                "handed_elsewhere": 0,
                "unplaced": 17,
                "rows": [
                    {
                        "rank": 1,
                        "kind": "shared",
                        "left_code": "510899001001003",
                        "left_name": "第三网格",
                        "right_code": "510899001002001",
                        "right_name": "第一网格",
                        "codes": ["510899001001003", "510899001002001"],
                        "length_m": 412.6,
                        "area_m2": None,
                        "borderline": 31,
                        "border": 1,
                        "overlap": 0,
                        "nearest": 2,
                        "none": 0,
                        "handed_over": 9,
                        "total": 43,
                        "per_km": 104.22,
                        "lon": 105.845012,
                        "lat": 32.433718,
                    }
                ],
            }
        }
    )

    revision: int
    level: str
    scheme: str
    within_m: float
    borders: int
    length_m: float
    elsewhere: int
    handed_elsewhere: int
    unplaced: int
    rows: list[BorderRow]


@router.get(
    "/api/borders",
    summary="Borders by the incidents in doubt at them",
    response_model=BorderTable,
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
def get_borders(
    *,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: Annotated[Caller, needs(Permission.READ_STATISTICS)],
    asked: AskedDep,
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=table_formats.DESCRIPTION)
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Say at which borders incidents lie whose grid hangs on where the line was drawn, and which were moved by hand.

    Counts are of the caller's areas. Formats: JSON, CSV, XLSX, and GeoJSON with the lines.
    """
    written = table_formats.choose(format, accept)
    question = asked_by(caller, asked, snapshot, runtime.settings.timezone)
    statistics = statistics_at(session, snapshot, question)
    body = _body(written, statistics, question, snapshot.revision)
    return table_formats.reply(body, written, name=f"borders-{question.level}", revision=snapshot.revision)


def _body(written: str, statistics: Statistics, question: Question, revision: int) -> bytes:
    fewer = "a part of the city with area, or for csv"
    table_formats.check_size(written, len(statistics.table), otherwise=fewer)
    if written == "csv":
        return tables.to_csv(border_words.plain(statistics.table))
    if written == "xlsx":
        notes = border_words.notes(statistics, question, revision)
        return tables.to_xlsx(border_words.plain(statistics.table), titles=border_words.TITLES, notes=notes)
    about = {
        "revision": revision,
        "level": question.level,
        "scheme": question.scheme,
        "within_m": question.within_m,
        **border_words.summary(statistics),
    }
    table = border_words.rounded(statistics.table)
    if written == "geojson":
        return tables.to_geojson(table, extra=about)
    return orjson.dumps({**about, "rows": tables.records(table.drop(columns="geometry"))})
