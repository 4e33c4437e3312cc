"""Which borders the incidents cast doubt on: what may be asked, and the answer at a snapshot."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query

from api import stated
from api.access import Caller
from api.places import areas_at
from api.scopes import scope
from api.snapshots import Snapshot
from geo.border_index import BORDERLINE_M, BorderIndex
from geo.levels import LAYER_OF
from layers import borders, located
from layers.borders import Question, Statistics
from layers.database import Session
from layers.incidents.search import Filters

#: An inside incident farther from its border than this is in no doubt, whatever is asked.
MOST_WITHIN_M = 500.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What an editor asks: the same for the table, the map and the command line."""

    level: Annotated[
        Literal["district", "subdistrict", "community", "grid"], Query(description="whose borders")
    ] = "grid"
    scheme: Annotated[str, Query(description="which grids, for level grid")] = located.SCHEME
    within_m: Annotated[
        float,
        Query(
            gt=0, le=MOST_WITHIN_M, description="metres from the border below which `inside` is borderline"
        ),
    ] = BORDERLINE_M
    since: Annotated[str | None, Query(description="reported at or after: instant, or first day")] = None
    until: Annotated[str | None, Query(description="reported before: instant, or last day")] = None
    category: Annotated[str | None, Query(description="code of a category")] = None
    status: Annotated[Literal["open", "closed"] | None, Query(description="open or closed")] = None
    area: Annotated[
        str | None, Query(description="code of an area of any level: borders of the areas in it")
    ] = None

    def as_query(self) -> dict[str, object]:
        """Return what was asked by its names in an address."""
        return {name: value for name, value in asdict(self).items() if value not in {None, ""}}

    def question(
        self, timezone: str, *, scope: tuple[str, ...] = (), scope_unassigned: bool = False
    ) -> Question:
        """Understand what was asked, for a reader limited to areas.

        Raises
        ------
        DataError
            With the faults of ``since`` and ``until``.
        """
        faults = stated.Faults()
        filters = Filters(
            status=self.status,
            category=self.category or None,
            area=self.area or None,
            since=faults.reading(
                lambda: (
                    stated.instant(self.since, timezone, field="since", starts=True) if self.since else None
                )
            ),
            until=faults.reading(
                lambda: stated.instant(self.until, timezone, field="until") if self.until else None
            ),
            scope=scope,
            scope_unassigned=scope_unassigned,
        )
        faults.check()
        # Only grids have schemes.
        scheme = self.scheme if self.level == "grid" else located.SCHEME
        return Question(filters=filters, level=self.level, scheme=scheme, within_m=self.within_m)


AskedDep = Annotated[Asked, Depends()]


def asked_by(caller: Caller, asked: Asked, snapshot: Snapshot, timezone: str) -> Question:
    """Return the question of a caller about the incidents that the account may see.

    Raises
    ------
    DataError
        As :meth:`Asked.question`.
    """
    return asked.question(timezone, **scope(caller, snapshot))


def statistics_at(session: Session, snapshot: Snapshot, question: Question) -> Statistics:
    """Answer at a snapshot, whose areas and borders are kept in memory.

    Raises
    ------
    DataError
        On field ``scheme``, if no grid ever had it.
    NotFound
        If nothing was ever imported.
    """
    areas = areas_at(snapshot, question.level, question.scheme)
    version = snapshot.versions.get(LAYER_OF[question.level], 0)
    index = _borders_at(snapshot, question.level, question.scheme)
    return borders.statistics(session, areas, index, question, version=version)


def _borders_at(snapshot: Snapshot, level: str, scheme: str) -> BorderIndex:
    def load(session: Session, revision: int) -> BorderIndex:
        return borders.load_borders(session, revision, level=level, scheme=scheme)

    return snapshot.model(("borders", level, scheme), layers=(LAYER_OF[level],), load=load)
