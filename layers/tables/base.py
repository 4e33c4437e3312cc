"""What all tables share: the catalogue, and the types of codes and shapes."""

import datetime as dt
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column


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


def geometry(kind: str) -> Geometry:
    """Type of a column of shapes in EPSG:4326."""
    # Indexes are declared as partial ones, so GeoAlchemy2 must not add its own.
    return Geometry(kind, srid=4326, spatial_index=False)


def code_column(*, sort_order: int = 0) -> Any:  # noqa: ANN401 - a mapped column
    """Column of codes, which compare byte by byte."""
    return mapped_column(Text(collation="C"), sort_order=sort_order)
