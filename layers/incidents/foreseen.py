"""Which open incidents a change of areas would move, told before it is published: counted, and none of them named."""

from collections import Counter
from collections.abc import Collection

import pandas as pd
import shapely
from sqlalchemy import ARRAY, Text, cast, func, select, text
from sqlalchemy.orm import Session

from geo.impact import MOVES
from layers.incidents.concerned import WHERE, Concerned, by_hand
from layers.tables import Incident

_CONCERNED = text(f"SELECT area_code, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM incidents WHERE {WHERE}")  # noqa: S608 - constants


class Foreseen:
    """Open incidents by the grids that hold them before and after a change.

    Each that the change concerns is decided in both states by what publishing decides with. So the answer is right on a
    base that is not the newest revision too, whose incidents may by now be elsewhere.
    """

    def __init__(self, session: Session, concerned: Concerned) -> None:
        self._session = session
        places = self._places(concerned)
        by_hand = self._by_hand(concerned)
        #: Incidents that the change concerns: columns :data:`geo.impact.MOVES`; ``moved`` is what publishing records.
        self.moves = pd.concat([_summed(places), by_hand], ignore_index=True)
        self._counted = Counter(places["stored"]) + Counter(
            dict(by_hand[["from_code", "number"]].itertuples(index=False))
        )

    def held(self, codes: Collection[str]) -> pd.DataFrame:
        """Return the moves with the incidents that stay in some grids, so that their numbers are whole."""
        named = func.any(cast(list(codes), ARRAY(Text(collation="C"))))
        query = (
            select(Incident.area_code, func.count())
            .where(Incident.status != "closed", Incident.area_code == named)
            .group_by(Incident.area_code)
        )
        rows = [(code, code, count - self._counted[code], 0) for code, count in self._session.execute(query)]
        staying = pd.DataFrame([row for row in rows if row[2] > 0], columns=list(MOVES))
        return pd.concat([self.moves, staying], ignore_index=True)

    def _places(self, concerned: Concerned) -> pd.DataFrame:
        """Incidents in the zone one by one: the grid that holds each now, and the answers in both states."""
        columns = ["stored", "from_code", "to_code", "moved"]
        if not concerned.codes:
            return pd.DataFrame({name: [] for name in columns}, dtype=object)
        rows = self._session.execute(_CONCERNED, {"zone": shapely.to_wkb(concerned.zone)}).all()
        found = pd.DataFrame(rows, columns=["stored", "lon", "lat"]).astype({"lon": float, "lat": float})
        was, now = (
            concerned.answers(found["lon"].to_numpy(), found["lat"].to_numpy(), earlier=earlier)
            for earlier in (True, False)
        )
        code = [answer["area_code"].to_numpy(dtype=object) for answer in (was, now)]
        moved = (code[0] != code[1]) | (was["rule"] != now["rule"]).to_numpy()
        return pd.DataFrame(dict(zip(columns, (found["stored"], *code, moved), strict=True)))

    def _by_hand(self, concerned: Concerned) -> pd.DataFrame:
        rows = []
        for code, count in Counter(
            self._session.scalars(by_hand(concerned.codes, Incident.area_code))
        ).items():
            heirs = concerned.successors(code) if code in concerned.retired else [code]
            heir = heirs[0] if len(heirs) == 1 else None
            rows.append((code, heir, count, count if code in concerned.retired else 0))
        return pd.DataFrame(rows, columns=list(MOVES))


def _summed(places: pd.DataFrame) -> pd.DataFrame:
    """Number of incidents by where they are before and after."""
    grouped = places.groupby(["from_code", "to_code"], dropna=False, sort=True)["moved"]
    table = grouped.agg(number="size", moved="sum").reset_index()
    ends = table[["from_code", "to_code"]].astype(object)
    table[["from_code", "to_code"]] = ends.where(ends.notna(), None)
    return table[list(MOVES)]
