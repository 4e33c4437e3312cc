"""Every setting, read from the environment (prefix ``WANGGE_``)."""

import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api import embedded
from geo import crs
from geo.assign import TOLERANCE_M
from geo.streets.network import SLOWEST_FACTOR, STEPS_FACTOR


class Settings(BaseSettings):
    """What an operator may set; ``wangge doctor`` prints the values in force."""

    model_config = SettingsConfigDict(env_prefix="WANGGE_", frozen=True)

    database_url: str | None = Field(
        None, description="postgresql:// address of a PostGIS 3.3 or later; it holds all data"
    )
    data_dir: Path = Field(
        default_factory=embedded.data_folder, description="folder of the embedded PostGIS and its secrets"
    )
    default_datum: str | None = Field(
        None, description="datum taken where none is stated (wgs84, cgcs2000, gcj02, bd09, EPSG code)"
    )
    local_crs_file: Path | None = Field(
        None, description='private TOML file of named local CRSs: name = "PROJ or WKT text"'
    )
    timezone: str = Field("Asia/Shanghai", description="time zone of bare dates and of the screens")
    tolerance_m: float = Field(
        TOLERANCE_M,
        ge=0,
        description="how far outside every area `nearest` answers; stored at the first import",
    )
    steps_factor: float = Field(
        STEPS_FACTOR,
        ge=1,
        le=SLOWEST_FACTOR,
        description="metres of level street that a metre of steps costs; stored at the first import",
    )
    max_upload_mb: int = Field(200, gt=0, description="largest file sent; other bodies may have 1 MB")
    threads: int = Field(40, gt=0, description="requests worked on at once, and database connections")
    take_confident_place: bool = Field(
        default=False,
        description="place an incident told by words where that is beyond doubt, without asking a person",
    )
    session_hours: float = Field(12.0, gt=0, description="how long a browser stays signed in")
    duplicate_radius_m: float = Field(
        50.0, ge=0, le=1000, description="how near, in metres, another report may be a duplicate"
    )
    duplicate_hours: float = Field(
        24.0, ge=0, le=720, description="how long before or after another report may be a duplicate"
    )
    kept_results_mb: int = Field(
        512, gt=0, description="results kept in the database; what was not asked for longest goes first"
    )
    review: bool = Field(
        default=True, description="a second person must approve a draft before it is published"
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="address by which clients reach the service, where a proxy serves it under another host or path",
    )
    map_attribution: str = Field("", description="whose data the maps show, where the data do not tell")
    map_review_number: str = Field("", description="审图号 shown on every map")

    @field_validator("default_datum")
    @classmethod
    def _known_datum(cls, value: str | None) -> str | None:
        if value is not None:
            crs.parse(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no such time zone: {value}; use a name like Asia/Shanghai") from error
        return value

    def local_crs(self) -> dict[str, str]:
        """Return the named local CRSs; read at every call, so that an edit needs no restart."""
        if self.local_crs_file is None:
            return {}
        with self.local_crs_file.open("rb") as handle:
            return {name: str(text) for name, text in tomllib.load(handle).items()}
