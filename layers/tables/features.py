"""The layers: areas, homes, facilities, streets and posts."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, Date, Index, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from layers.tables.base import Base, code_column, geometry
from layers.tables.versions import Feature, Versioned, constraints


class Area(Feature):
    """An area of one of the four levels."""

    name: Mapped[str] = mapped_column(sort_order=-5)
    parent_code: Mapped[str | None] = code_column(sort_order=-4)
    people: Mapped[int | None] = mapped_column(sort_order=-3)
    households: Mapped[int | None] = mapped_column(sort_order=-2)

    @declared_attr
    def geom(cls) -> Mapped[Any]:  # noqa: N805 - SQLAlchemy hands the class
        """Area, in EPSG:4326."""
        return mapped_column(geometry("MULTIPOLYGON"), nullable=False, sort_order=10)


class District(Area, Base):
    """区县."""

    __tablename__ = "districts"
    __table_args__ = constraints("districts", "geom")


class Subdistrict(Area, Base):
    """街道(镇乡)."""

    __tablename__ = "subdistricts"
    __table_args__ = constraints("subdistricts", "geom")


class Community(Area, Base):
    """社区(村)."""

    __tablename__ = "communities"
    __table_args__ = constraints("communities", "geom")


class Grid(Area, Base):
    """网格; areas of one ``scheme`` tile the district."""

    __tablename__ = "grids"
    __table_args__ = (
        *constraints("grids", "geom"),
        CheckConstraint("kind IN ('base', 'dedicated')", name="kind"),
    )

    scheme: Mapped[str] = mapped_column(server_default="governance")
    kind: Mapped[str] = mapped_column(server_default="base")


class Compound(Feature, Base):
    """小区: a polygon or, until surveyed, a point."""

    __tablename__ = "compounds"
    __table_args__ = (
        *constraints("compounds", "geom"),
        CheckConstraint("GeometryType(geom) IN ('MULTIPOLYGON', 'POINT')", name="geometry_type"),
        CheckConstraint("form IN ('managed', 'unmanaged', 'self_built')", name="form"),
    )

    name: Mapped[str]
    form: Mapped[str | None]
    households: Mapped[int | None]
    people: Mapped[int | None]
    built_year: Mapped[int | None]
    address: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(geometry("GEOMETRY"), nullable=False)
    entrances: Mapped[Any] = mapped_column(geometry("MULTIPOINT"), nullable=True)


class Building(Feature, Base):
    """楼栋: a footprint or a point; ``number`` is what tells it from the others of its compound."""

    __tablename__ = "buildings"
    __table_args__ = (
        *constraints("buildings", "geom"),
        CheckConstraint("GeometryType(geom) IN ('MULTIPOLYGON', 'POINT')", name="geometry_type"),
    )

    name: Mapped[str]
    number: Mapped[str | None]
    compound_code: Mapped[str | None] = code_column()
    households: Mapped[int | None]
    people: Mapped[int | None]
    floors: Mapped[int | None]
    built_year: Mapped[int | None]
    address: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(geometry("GEOMETRY"), nullable=False)


class Address(Feature, Base):
    """门牌地址: ``text`` is the whole address as printed, the other fields are its parts."""

    __tablename__ = "addresses"
    __table_args__ = constraints("addresses", "geom")

    text: Mapped[str]
    street: Mapped[str | None]
    number: Mapped[str | None]
    unit: Mapped[str | None]
    compound_code: Mapped[str | None] = code_column()
    building_code: Mapped[str | None] = code_column()
    geom: Mapped[Any] = mapped_column(geometry("POINT"), nullable=False)


class OldEstate(Feature, Base):
    """老旧小区: a renovation unit."""

    __tablename__ = "old_estates"
    __table_args__ = (
        *constraints("old_estates", "geom"),
        CheckConstraint("works IN ('basic', 'improved', 'upgraded')", name="works"),
    )

    name: Mapped[str]
    built_year: Mapped[int | None]
    works: Mapped[str | None]
    department: Mapped[str | None]
    households: Mapped[int | None]
    people: Mapped[int | None]
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"), nullable=False)


class Facility(Feature, Base):
    """设施; ``geom`` is the location that is served."""

    __tablename__ = "facilities"
    __table_args__ = (
        *constraints("facilities", "geom"),
        Index("facilities_type_current_idx", "type", "id", postgresql_where=text("rev_to IS NULL")),
    )

    name: Mapped[str]
    type: Mapped[str]
    address: Mapped[str | None]
    capacity: Mapped[int | None]
    geom: Mapped[Any] = mapped_column(geometry("POINT"), nullable=False)
    site: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"), nullable=True)
    entrances: Mapped[Any] = mapped_column(geometry("MULTIPOINT"), nullable=True)


class Street(Feature, Base):
    """Street piece; pieces join exactly where they share an end point."""

    __tablename__ = "streets"
    __table_args__ = (
        *constraints("streets", "geom"),
        Index("streets_name_current_idx", "name", postgresql_where=text("rev_to IS NULL")),
    )

    name: Mapped[str | None]
    kind: Mapped[str]
    bridge: Mapped[bool]
    tunnel: Mapped[bool]
    level: Mapped[int]
    steps: Mapped[bool]
    walkable: Mapped[bool]
    geom: Mapped[Any] = mapped_column(geometry("LINESTRING"), nullable=False)


class Barrier(Feature, Base):
    """障碍: nobody walks through; a point parts the streets it lies on, a line those it crosses."""

    __tablename__ = "barriers"
    __table_args__ = (
        *constraints("barriers", "geom"),
        CheckConstraint("GeometryType(geom) IN ('POINT', 'LINESTRING')", name="geometry_type"),
    )

    name: Mapped[str | None]
    kind: Mapped[str]
    geom: Mapped[Any] = mapped_column(geometry("GEOMETRY"), nullable=False)


class Post(Feature, Base):
    """岗位: who answers for a grid, compound or building; ``valid_to`` is the last day."""

    __tablename__ = "posts"
    __table_args__ = (
        *constraints("posts"),
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
    target_code: Mapped[str] = code_column()
    valid_from: Mapped[dt.date | None] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)


#: The table of each layer.
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
    "barriers": Barrier,
    "posts": Post,
}
