"""What is derived from layers when they are published: links between them, and the names that find places."""

from uuid import UUID

from sqlalchemy import ARRAY, Index, Text, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, code_column
from layers.tables.versions import Versioned


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
    compound_code: Mapped[str] = code_column()
    grid_code: Mapped[str] = code_column()
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

    old_estate_code: Mapped[str] = code_column()
    compound_code: Mapped[str] = code_column()
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
    code: Mapped[str] = code_column()
    name: Mapped[str]
    spelling: Mapped[str]
    pieces: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    part_of: Mapped[str | None] = code_column()
    number: Mapped[str | None]
    lon: Mapped[float]
    lat: Mapped[float]
    radius_m: Mapped[float]
