"""Life circles: how many metres a walk of so many minutes is, and which circle each facility type serves."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from geo.faults import DataError, Fault

#: Walking speeds in metres a second.
SPEEDS: Mapping[str, float] = MappingProxyType({"adult": 1.25, "elderly": 0.8})

#: GB 50180-2018: distance in metres of the 15, 10 and 5 minute circles.
GB50180_M: Mapping[int, float] = MappingProxyType({15: 1000.0, 10: 500.0, 5: 300.0})

#: Whose walk a budget is for.
PROFILES = (*SPEEDS, "gb50180")

#: Ways to measure: along streets, by straight line, or both side by side.
METHODS = ("network", "circle", "both")

#: The longest walk that is a life circle.
MOST_MINUTES = 60

#: Different minutes that one query may name.
MOST_BUDGETS = 12

#: A type that serves the block (街坊) has no circle of its own; it is judged by the smallest one.
BLOCK_MINUTES = 5

#: Columns of a question: what is asked of one facility type.
QUESTION = ["facility_type", "minutes", "budget_m"]


def budget_m(profile: str, minutes: int, *, speeds: Mapping[str, float] = SPEEDS) -> float:
    """Metres that may be walked.

    Parameters
    ----------
    profile
        ``adult`` (1.25 m/s), ``elderly`` (0.8 m/s) or ``gb50180`` (the standard's distances).
    minutes
        1 to 60; 5, 10 or 15 for ``gb50180``.
    speeds
        Metres a second by profile.

    Raises
    ------
    DataError
        ``parameter-invalid`` for an unknown profile or a number of minutes it has no distance for.
    """
    faults = profile_faults(profile, [minutes])
    if faults:
        raise DataError(faults)
    return GB50180_M[minutes] if profile == "gb50180" else speeds[profile] * 60.0 * minutes


def speed(profile: str, speeds: Mapping[str, float] = SPEEDS) -> float:
    """Metres a second of a profile; the standard has distances and no speed, there an adult's."""
    return speeds.get(profile, speeds["adult"])


def word_faults(field: str, word: str, known: Sequence[str]) -> list[Fault]:
    """List the fault of a word that is not among the known ones."""
    if word in known:
        return []
    return [_invalid(field, f"{word!r} is none of {', '.join(known)}.")]


def profile_faults(profile: str, minutes: Sequence[int]) -> list[Fault]:
    """List what is wrong with a profile and its minutes."""
    if profile not in PROFILES:
        return word_faults("profile", profile, PROFILES)
    if profile == "gb50180":
        return [
            _invalid("minutes", f"GB 50180 has no distance for {value} minutes; use 5, 10 or 15.")
            for value in minutes
            if value not in GB50180_M
        ]
    faults = [
        _invalid("minutes", f"{value} minutes are no life circle; use 1 to {MOST_MINUTES}.")
        for value in minutes
        if not 1 <= value <= MOST_MINUTES
    ]
    if len(set(minutes)) > MOST_BUDGETS:
        faults.append(
            _invalid("minutes", f"{len(set(minutes))} are more than {MOST_BUDGETS} at once: ask for fewer.")
        )
    return faults


def own_minutes(facility_type: pd.Series) -> int:
    """Minutes of the circle that a type (a row of the catalogue) serves."""
    circle = facility_type["circle"]
    return BLOCK_MINUTES if circle == "block" else int(circle)


def questions(
    types: pd.DataFrame, *, minutes: Sequence[int], profile: str, speeds: Mapping[str, float] = SPEEDS
) -> pd.DataFrame:
    """Ask each facility type for the given minutes, or for those of its own circle.

    Parameters
    ----------
    types
        Rows of the catalogue of facility types, index ``key``, column ``circle``.
    minutes
        Empty: each type's own circle; types that serve the block count as :data:`BLOCK_MINUTES`.
    speeds
        Metres a second by profile.

    Returns
    -------
    DataFrame
        Columns :data:`QUESTION`, by type in the order given, then by minutes.

    Raises
    ------
    DataError
        As :func:`profile_faults`.
    """
    faults = profile_faults(profile, minutes)
    if faults:
        raise DataError(faults)
    if minutes:
        asked = sorted(set(minutes))
        pairs = [(key, value) for key in types.index for value in asked]
    else:
        pairs = [(key, own_minutes(types.loc[key])) for key in types.index]
    rows = [(key, value, budget_m(profile, value, speeds=speeds)) for key, value in pairs]
    return pd.DataFrame(rows, columns=QUESTION).astype({"minutes": np.int64, "budget_m": np.float64})


def standard_questions(types: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Ask each facility type for its own service radius, as GB 50180 judges it.

    Returns
    -------
    DataFrame, list
        Columns :data:`QUESTION`, ``mandatory`` (whether the standard demands the type at the level of its
        circle; else it is only advised there) and ``mandatory_levels`` (the circles it is demanded in, as
        ``15 10``); and the types that have no radius and are not judged.
    """
    judged = types[types["service_radius_m"].notna()]
    mandatory = [
        own in levels.split()
        for own, levels in zip(judged["circle"], judged["mandatory_levels"], strict=True)
    ]
    asked = pd.DataFrame(
        {
            "facility_type": judged.index.to_numpy(dtype=object),
            "minutes": np.array([own_minutes(row) for _, row in judged.iterrows()], dtype=np.int64),
            "budget_m": judged["service_radius_m"].to_numpy(dtype=np.float64),
            "mandatory": mandatory,
            "mandatory_levels": judged["mandatory_levels"].to_numpy(dtype=object),
        }
    )
    return asked, [str(key) for key in types.index[types["service_radius_m"].isna()]]


def _invalid(field: str, message: str) -> Fault:
    return Fault(kind="parameter-invalid", field=field, message=message)
