"""How an import is to be done, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

from geo.assign import TOLERANCE_M
from geo.faults import DataError, Fault
from geo.levels import CODE_WIDTHS
from geo.streets.network import STEPS_FACTOR

_MODES = ("upsert", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a file is to be understood.

    Parameters
    ----------
    crs
        Datum or CRS of the coordinates; outranks what the file says.
    local_crs, default_datum
        Named local CRSs, and the datum taken where nobody states one.
    columns
        Field to column, for columns whose names do not tell.
    mode
        ``upsert`` adds and changes by code; ``replace`` also ends what the file does not hold.
    on_invalid
        Invalid geometries: ``reject`` the record, ``repair`` and list it, or ``fail`` (refuse the file when
        any record is at fault).
    widths
        Digits that each level adds to its parent's code.
    noded
        Streets join at their ends already and are not to be noded.
    tolerance_m, steps_factor
        See :class:`layers.deployment.Deployment`; they count at the first import ever.
    """

    crs: str | None = None
    local_crs: Mapping[str, str] = field(default_factory=dict)
    default_datum: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    mode: str = "upsert"
    on_invalid: str = "reject"
    widths: Sequence[int] = CODE_WIDTHS
    noded: bool = False
    tolerance_m: float = TOLERANCE_M
    steps_factor: float = STEPS_FACTOR

    def __post_init__(self) -> None:
        if self.mode not in _MODES:
            message = f"{self.mode!r} is none of {', '.join(_MODES)}."
            raise DataError(Fault(kind="parameter-invalid", field="mode", message=message))


@dataclass(slots=True)
class ImportReport:
    """What became of a file's records.

    ``read`` = ``imported`` + ``rejected`` records; these became ``added``, ``changed`` and ``unchanged``
    features, which differs from ``imported`` only where streets were cut into pieces. ``counts`` holds what
    else was done (nodes inserted, heights dropped, codes generated, parents by code or by location …),
    ``rejects`` the records at fault with the columns of the file, ``defects`` what stands in the layer.
    """

    layer: str
    read: int
    reference: str | None = None
    rejected: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    revision: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    repaired: list[Fault] = field(default_factory=list)
    rejects: pd.DataFrame = field(default_factory=pd.DataFrame)
    defects: gpd.GeoDataFrame = field(default_factory=gpd.GeoDataFrame)

    @property
    def imported(self) -> int:
        """Records that became features."""
        return self.read - self.rejected

    def __str__(self) -> str:
        said = f"{self.read} read, {self.rejected} rejected; {self.added} added, {self.changed} changed"
        said += f", {self.unchanged} unchanged, {self.removed} removed; {len(self.defects)} defects"
        return f"{said}; {'no change' if self.revision is None else f'revision {self.revision}'}"
