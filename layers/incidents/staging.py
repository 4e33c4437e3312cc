"""Rows on their way into the tables: copied into a table of this transaction, from where SQL takes them."""

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
from sqlalchemy import text
from sqlalchemy.orm import Session

_WRITTEN = pa_csv.WriteOptions(include_header=False)


def create(session: Session, name: str, columns: str) -> None:
    """Make a table that ends with the transaction; `columns` is a SELECT that gives it names and types."""
    session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    session.execute(text(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {columns} WITH NO DATA"))


def copy(session: Session, name: str, frame: pd.DataFrame) -> None:
    """Add rows by one COPY; missing values are stored as NULL, empty text as empty text."""
    # Text is quoted and NULL is not, which is how COPY tells them apart.
    table = pa.Table.from_pandas(frame, preserve_index=False)
    body = io.BytesIO()
    pa_csv.write_csv(table, body, _WRITTEN)
    body.seek(0)
    driver: Any = session.connection().connection
    with driver.cursor() as cursor:
        cursor.copy_expert(f"COPY {name} ({', '.join(frame.columns)}) FROM STDIN WITH (FORMAT csv)", body)
