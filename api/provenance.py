"""Where figures come from, said with every table: in headers, in JSON, and on the sheet beside it."""

import datetime as dt
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from layers.results import Basis


class WorkedOut(Protocol):
    """Any answer that says what it comes from, when and in what time it was worked out, and whether it was kept."""

    @property
    def basis(self) -> Basis:
        """What it comes from."""
        ...

    @property
    def computed_at(self) -> dt.datetime:
        """When it was worked out."""
        ...

    @property
    def seconds(self) -> float:
        """How long that took."""
        ...

    @property
    def kept(self) -> bool:
        """Whether that was before it was asked for."""
        ...


class Provenance(BaseModel):
    """What a table was worked out from, and when; equal `key`, equal figures.

    `layers` holds of each layer that was used the revision that last changed it (0: never published), `settings`
    the figures that the answer depends on, `seconds` how long it took.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "key": "9f2b6c0d41aa",
                "layers": {"communities": 1, "compounds": 3, "facilities": 4, "streets": 2},
                "settings": {"speed_m_s": 1.25, "steps_factor": 2.0, "snap_limit_m": 200.0},
                "computed_at": "2026-03-01T04:05:06Z",
                "seconds": 1.8,
            }
        }
    )

    key: str
    layers: dict[str, int]
    settings: dict[str, Any]
    computed_at: str
    seconds: float


_SHOWN = 12


def document(found: WorkedOut) -> dict[str, Any]:
    """Return it as JSON; see :class:`Provenance`."""
    return {
        "key": found.basis.key[:_SHOWN],
        "layers": dict(found.basis.versions),
        "settings": dict(found.basis.settings),
        "computed_at": _instant(found),
        "seconds": round(found.seconds, 3),
    }


def headers(found: WorkedOut) -> dict[str, str]:
    """Return it as headers, for formats that hold a table only."""
    kept: Literal["kept", "fresh"] = "kept" if found.kept else "fresh"
    return {
        "Wangge-Result": f"{kept}; key={found.basis.key[:_SHOWN]}",
        "Wangge-Computed-At": _instant(found),
        "Wangge-Layers": _listed(found.basis.versions),
        "Wangge-Settings": _listed(found.basis.settings),
    }


def notes(found: WorkedOut) -> list[tuple[str, str]]:
    """Return it as lines of a sheet."""
    return [
        ("计算时间 computed at", _instant(found)),
        ("图层版本 layer versions", _listed(found.basis.versions)),
        ("参数 settings", _listed(found.basis.settings)),
        ("结果编号 result", found.basis.key[:_SHOWN]),
    ]


def _listed(values: Any) -> str:  # noqa: ANN401 - a mapping of JSON
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _instant(found: WorkedOut) -> str:
    return found.computed_at.isoformat(timespec="seconds").replace("+00:00", "Z")
