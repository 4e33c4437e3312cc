"""The map of borders: as thick and as dark as their counts, with the incidents that were counted."""

from typing import Any

import numpy as np

from api import border_words
from api.maps import encoding
from layers.borders import SIGNS, Question, Statistics

#: Incidents on the map at most, those at the worst borders first.
MOST_POINTS = 100_000


def borders_data(statistics: Statistics, question: Question, *, with_points: bool) -> dict[str, Any]:
    """Return what the browser draws.

    Parameters
    ----------
    with_points
        Whether the reader may see single incidents.

    Returns
    -------
    dict
        ``borders``: GeoJSON, the worst first, with the columns of the table; ``summary`` of what it leaves out;
        ``level`` and ``within_m`` as asked; ``signs``; ``points``: None, or as columns ``id``, ``lon``, ``lat``,
        ``sign`` (position in ``signs``) and ``border`` (position in ``borders``).
    """
    table = border_words.rounded(statistics.table)
    properties = table.drop(columns="geometry").assign(codes=[list(codes) for codes in table["codes"]])
    points = None
    if with_points:
        shown = statistics.points.head(MOST_POINTS)
        points = {
            "id": shown["id"].tolist(),
            **encoding.flat_points(shown["lon"].to_numpy(), shown["lat"].to_numpy()),
            "sign": shown["sign"].to_numpy(dtype=np.int64),
            "border": shown["rank"].to_numpy(dtype=np.int64) - 1,
        }
    return {
        "borders": encoding.feature_collection(table.geometry, properties),
        "summary": border_words.summary(statistics),
        "level": question.level,
        "within_m": question.within_m,
        "signs": list(SIGNS),
        "points": points,
    }
