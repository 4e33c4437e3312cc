"""Every table of the database.

A *layer* table keeps each feature's versions side by side: a row is valid from revision ``rev_from`` up to,
not including, ``rev_to`` (null: still valid). Geometries are EPSG:4326, longitude first. Codes compare byte
by byte, so their columns use the ``C`` collation.
"""

import datetime as dt
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column


class Base(DeclarativeBase):
    """The one catalogue of tables."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "ix": "%(table_name)s_%(column_0_name)s_idx",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text(),
        dt.datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[str]: ARRAY(Text()),
    }


def _geometry(kind: str) -> Geometry:
    # Indexes are declared below as partial ones, so GeoAlchemy2 must not add its own.
    return Geometry(kind, srid=4326, spatial_index=False)


def _code(*, sort_order: int = 0) -> Any:  # noqa: ANN401 - a mapped column
    return mapped_column(Text(collation="C"), sort_order=sort_order)


class Revision(Base):
    """One publication: one number for the whole database."""

    __tablename__ = "revisions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    published_at: Mapped[dt.datetime]
    effective_from: Mapped[dt.datetime]
    author: Mapped[str]
    note: Mapped[str]
    layers: Mapped[list[str]]
    counts: Mapped[dict[str, Any]]


class Deployment(Base):
    """What was decided once for this database; the single row has ``id`` 1."""

    __tablename__ = "deployment"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    metric_crs: Mapped[str]
    tolerance_m: Mapped[float]
    city: Mapped[str]
    invented: Mapped[bool]
    created_at: Mapped[dt.datetime]


class Versioned:
    """Columns and constraints of every table that keeps versions."""

    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-9)
    rev_from: Mapped[int] = mapped_column(ForeignKey("revisions.number"), primary_key=True, sort_order=-8)
    rev_to: Mapped[int | None] = mapped_column(ForeignKey("revisions.number"), sort_order=-7)


class Feature(Versioned):
    """Columns of every layer; ``extra`` holds the source's unmapped fields."""

    code: Mapped[str] = _code(sort_order=-6)
    generated_code: Mapped[bool] = mapped_column(server_default=text("false"), sort_order=8)
    extra: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"), sort_order=9)


def _constraints(name: str, *geometries: str) -> tuple[Any, ...]:
    """No two versions of one feature at one revision; the current rows found by code and by place."""
    current = text("rev_to IS NULL")
    spatial = [
        Index(f"{name}_{column}_current_idx", column, postgresql_using="gist", postgresql_where=current)
        for column in geometries
    ]
    return (
        ExcludeConstraint(
            ("id", "="),
            (text("int4range(rev_from, rev_to)"), "&&"),
            name=f"{name}_one_version_excl",
            using="gist",
        ),
        Index(f"{name}_code_current_idx", "code", unique=True, postgresql_where=current),
        # With it the planner can OR "still valid" (the partial indexes) and "ended after this revision".
        Index(f"{name}_ended_idx", "rev_to", postgresql_where=text("rev_to IS NOT NULL")),
        *spatial,
    )


class Area(Feature):
    """An area of one of the four levels."""

    name: Mapped[str] = mapped_column(sort_order=-5)
    parent_code: Mapped[str | None] = _code(sort_order=-4)
    people: Mapped[int | None] = mapped_column(sort_order=-3)
    households: Mapped[int | None] = mapped_column(sort_order=-2)

    @declared_attr
    def geom(cls) -> Mapped[Any]:  # noqa: N805 - SQLAlchemy hands the class
        """Area, in EPSG:4326."""
        return mapped_column(_geometry("MULTIPOLYGON"), nullable=False, sort_order=10)


class District(Area, Base):
    """区县."""

    __tablename__ = "districts"
    __table_args__ = _constraints("districts", "geom")


class Subdistrict(Area, Base):
    """街道(镇乡)."""

    __tablename__ = "subdistricts"
    __table_args__ = _constraints("subdistricts", "geom")


class Community(Area, Base):
    """社区(村)."""

    __tablename__ = "communities"
    __table_args__ = _constraints("communities", "geom")


class Grid(Area, Base):
    """网格; areas of one ``scheme`` tile the district."""

    __tablename__ = "grids"
    __table_args__ = (
        *_constraints("grids", "geom"),
        CheckConstraint("kind IN ('base', 'dedicated')", name="kind"),
    )

    scheme: Mapped[str] = mapped_column(server_default="governance")
    kind: Mapped[str] = mapped_column(server_default="base")


class Compound(Feature, Base):
    """小区: a polygon or, until surveyed, a point."""

    __tablename__ = "compounds"
    __table_args__ = (
        *_constraints("compounds", "geom"),
        CheckConstraint("GeometryType(geom) IN ('MULTIPOLYGON', 'POINT')", name="geometry_type"),
        CheckConstraint("form IN ('managed', 'unmanaged', 'self_built')", name="form"),
    )

    name: Mapped[str]
    form: Mapped[str | None]
    households: Mapped[int | None]
    people: Mapped[int | None]
    built_year: Mapped[int | None]
    address: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(_geometry("GEOMETRY"), nullable=False)
    entrances: Mapped[Any] = mapped_column(_geometry("MULTIPOINT"), nullable=True)


class Building(Feature, Base):
    """楼栋: a footprint or a point; ``number`` is what tells it from the others of its compound."""

    __tablename__ = "buildings"
    __table_args__ = (
        *_constraints("buildings", "geom"),
        CheckConstraint("GeometryType(geom) IN ('MULTIPOLYGON', 'POINT')", name="geometry_type"),
    )

    name: Mapped[str]
    number: Mapped[str | None]
    compound_code: Mapped[str | None] = _code()
    households: Mapped[int | None]
    people: Mapped[int | None]
    floors: Mapped[int | None]
    built_year: Mapped[int | None]
    address: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(_geometry("GEOMETRY"), nullable=False)


class Address(Feature, Base):
    """门牌地址: ``text`` is the whole address as printed, the other fields are its parts."""

    __tablename__ = "addresses"
    __table_args__ = _constraints("addresses", "geom")

    text: Mapped[str]
    street: Mapped[str | None]
    number: Mapped[str | None]
    unit: Mapped[str | None]
    compound_code: Mapped[str | None] = _code()
    building_code: Mapped[str | None] = _code()
    geom: Mapped[Any] = mapped_column(_geometry("POINT"), nullable=False)


class OldEstate(Feature, Base):
    """老旧小区: a renovation unit."""

    __tablename__ = "old_estates"
    __table_args__ = (
        *_constraints("old_estates", "geom"),
        CheckConstraint("works IN ('basic', 'improved', 'upgraded')", name="works"),
    )

    name: Mapped[str]
    built_year: Mapped[int | None]
    works: Mapped[str | None]
    department: Mapped[str | None]
    households: Mapped[int | None]
    people: Mapped[int | None]
    geom: Mapped[Any] = mapped_column(_geometry("MULTIPOLYGON"), nullable=False)


class Facility(Feature, Base):
    """设施; ``geom`` is the location that is served."""

    __tablename__ = "facilities"
    __table_args__ = (
        *_constraints("facilities", "geom"),
        Index("facilities_type_current_idx", "type", "id", postgresql_where=text("rev_to IS NULL")),
    )

    name: Mapped[str]
    type: Mapped[str]
    address: Mapped[str | None]
    capacity: Mapped[int | None]
    geom: Mapped[Any] = mapped_column(_geometry("POINT"), nullable=False)
    site: Mapped[Any] = mapped_column(_geometry("MULTIPOLYGON"), nullable=True)
    entrances: Mapped[Any] = mapped_column(_geometry("MULTIPOINT"), nullable=True)


class Street(Feature, Base):
    """Street piece; pieces join exactly where they share an end point."""

    __tablename__ = "streets"
    __table_args__ = (
        *_constraints("streets", "geom"),
        Index("streets_name_current_idx", "name", postgresql_where=text("rev_to IS NULL")),
    )

    name: Mapped[str | None]
    kind: Mapped[str]
    bridge: Mapped[bool]
    tunnel: Mapped[bool]
    level: Mapped[int]
    steps: Mapped[bool]
    walkable: Mapped[bool]
    geom: Mapped[Any] = mapped_column(_geometry("LINESTRING"), nullable=False)


class Post(Feature, Base):
    """岗位: who answers for a grid, compound or building; ``valid_to`` is the last day."""

    __tablename__ = "posts"
    __table_args__ = (
        *_constraints("posts"),
        Index(
            "posts_target_current_idx",
            "target_layer",
            "target_code",
            postgresql_where=text("rev_to IS NULL"),
        ),
    )

    role: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str | None]
    target_layer: Mapped[str]
    target_code: Mapped[str] = _code()
    valid_from: Mapped[dt.date | None] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)


class CompoundGrid(Versioned, Base):
    """Which share of a compound lies in which grid; shares of one compound and scheme add up to 1."""

    __tablename__ = "compound_grids"
    __table_args__ = (
        ExcludeConstraint(
            ("id", "="),
            (text("int4range(rev_from, rev_to)"), "&&"),
            name="compound_grids_one_version_excl",
            using="gist",
        ),
    )

    compound_id: Mapped[UUID]
    compound_code: Mapped[str] = _code()
    grid_code: Mapped[str] = _code()
    scheme: Mapped[str]
    share: Mapped[float]


class OldEstateCompound(Versioned, Base):
    """Which share of an old estate lies in which compound."""

    __tablename__ = "old_estate_compounds"
    __table_args__ = (
        ExcludeConstraint(
            ("id", "="),
            (text("int4range(rev_from, rev_to)"), "&&"),
            name="old_estate_compounds_one_version_excl",
            using="gist",
        ),
    )

    old_estate_code: Mapped[str] = _code()
    compound_code: Mapped[str] = _code()
    share: Mapped[float]


class PlaceName(Versioned, Base):
    """A name that finds a place: of a feature of a layer, or of all pieces of a street.

    ``spelling`` is the name as :mod:`layers.search.spelling` squeezes it, ``pieces`` what it is found by.
    ``part_of`` and ``number`` say which door of which street, or which building of which compound, it is:
    ``part_of`` is a spelling or a compound's code. ``radius_m`` is how far the feature reaches from its place.
    """

    __tablename__ = "place_names"
    __table_args__ = (
        Index(
            "place_names_pieces_current_idx",
            "pieces",
            postgresql_using="gin",
            postgresql_where=text("rev_to IS NULL"),
        ),
        Index(
            "place_names_code_current_idx",
            "code",
            postgresql_where=text("rev_to IS NULL"),
        ),
        Index(
            "place_names_part_of_current_idx",
            "part_of",
            "number",
            postgresql_where=text("rev_to IS NULL"),
        ),
        Index("place_names_feature_current_idx", "feature", postgresql_where=text("rev_to IS NULL")),
        Index("place_names_ended_idx", "rev_to", postgresql_where=text("rev_to IS NOT NULL")),
    )

    layer: Mapped[str]
    feature: Mapped[UUID]
    code: Mapped[str] = _code()
    name: Mapped[str]
    spelling: Mapped[str]
    pieces: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    part_of: Mapped[str | None] = _code()
    number: Mapped[str | None]
    lon: Mapped[float]
    lat: Mapped[float]
    radius_m: Mapped[float]


class Defect(Base):
    """A standing defect of a layer, as found by the full check at ``revision``."""

    __tablename__ = "defects"
    __table_args__ = (Index("defects_layer_revision_idx", "layer", "revision"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    layer: Mapped[str]
    revision: Mapped[int] = mapped_column(ForeignKey("revisions.number"))
    kind: Mapped[str]
    codes: Mapped[list[str]]
    message: Mapped[str]
    size: Mapped[float | None]
    unit: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(_geometry("GEOMETRY"), nullable=True)


class IncidentKey(Base):
    """What must be unique of an incident across all partitions, and when it was reported, which leads to its own.

    ``external_id`` is the number that another system gave it; a repeated import finds it by that.
    """

    __tablename__ = "incident_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reported_at: Mapped[dt.datetime]
    external_id: Mapped[str | None] = mapped_column(Text(collation="C"), unique=True)


class Incident(Base):
    """事件: something reported at a place, with the assignment that holds now.

    ``number`` counts arrivals and orders the list; ``path`` holds the codes from the district down to the
    assigned area, so that one index answers for every level. ``given_*`` keep the coordinates as stated.
    Partitioned by time, see :mod:`layers.incidents.partitions`.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index("incidents_reported_at_idx", "reported_at", "number"),
        Index("incidents_open_idx", "reported_at", "number", postgresql_where=text("status <> 'closed'")),
        Index("incidents_category_idx", "category", "reported_at", "number"),
        # The few that a person should look at: on borders, outside, decided by hand.
        Index(
            "incidents_rule_idx", "rule", "reported_at", "number", postgresql_where=text("rule <> 'inside'")
        ),
        Index("incidents_area_code_idx", "area_code", "reported_at", "number"),
        # Without a list of pending entries, which every search would read through.
        Index(
            "incidents_path_idx", "path", postgresql_using="gin", postgresql_with={"fastupdate": "false"}
        ),
        Index("incidents_geom_idx", "geom", postgresql_using="gist"),
        {"postgresql_partition_by": "RANGE (reported_at)"},
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("incident_keys.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    category: Mapped[str]
    description: Mapped[str | None]
    address: Mapped[str | None]
    source: Mapped[str | None]
    reporter_name: Mapped[str | None]
    reporter_phone: Mapped[str | None]
    reported_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    status: Mapped[str]
    closed_at: Mapped[dt.datetime | None]
    deadline: Mapped[dt.datetime | None]
    given_x: Mapped[float | None]
    given_y: Mapped[float | None]
    given_datum: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(_geometry("POINT"), nullable=True)
    rule: Mapped[str]
    area_code: Mapped[str | None] = _code()
    path: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    candidates: Mapped[list[str]]
    distance_m: Mapped[float | None]
    margin_m: Mapped[float | None]
    revision: Mapped[int]
    queue_reason: Mapped[str | None]


class Assignment(Base):
    """One decision about an incident's area; the newest of an incident is the one that holds.

    Partitioned by the time of the decision, see :mod:`layers.incidents.partitions`.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        Index("assignments_incident_idx", "incident_id", "id"),
        {"postgresql_partition_by": "RANGE (decided_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident_keys.id"))
    decided_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    decided_by: Mapped[str]
    revision: Mapped[int]
    rule: Mapped[str]
    area_code: Mapped[str | None] = _code()
    path: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    candidates: Mapped[list[str]]
    distance_m: Mapped[float | None]
    margin_m: Mapped[float | None]
    reason: Mapped[str | None]


class IdempotencyKey(Base):
    """A request that was carried out, so that its repetition makes no second record."""

    __tablename__ = "idempotency_keys"

    account: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[bytes]
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident_keys.id"))
    created_at: Mapped[dt.datetime]


class Account(Base):
    """Who may sign in; ``areas`` are the codes that limit the role (empty: the whole district)."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    role: Mapped[str]
    areas: Mapped[list[str]]
    password_hash: Mapped[str]
    active: Mapped[bool]
    created_at: Mapped[dt.datetime]


class Token(Base):
    """A bearer token; only its SHA-256 is stored."""

    __tablename__ = "tokens"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    label: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime | None]


class BrowserSession(Base):
    """A signed-in browser; only the cookie's SHA-256 is stored."""

    __tablename__ = "browser_sessions"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    csrf: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]


#: The table of each layer, of the links between layers, and of the names: derived from layers.
LAYER_TABLES: dict[str, type[Versioned]] = {
    "districts": District,
    "subdistricts": Subdistrict,
    "communities": Community,
    "grids": Grid,
    "compounds": Compound,
    "buildings": Building,
    "addresses": Address,
    "old_estates": OldEstate,
    "facilities": Facility,
    "streets": Street,
    "posts": Post,
}
LINK_TABLES: dict[str, type[Versioned]] = {
    "compound_grids": CompoundGrid,
    "old_estate_compounds": OldEstateCompound,
    "place_names": PlaceName,
}
