"""A file of points read and written back, with columns whose values tell the row."""

import io
from contextlib import closing

import numpy as np
import pyarrow as pa

from layers.files import parquet_bounds, points, points_csv, points_geojson, points_xlsx
from layers.files.point_columns import USUAL

ADDED = pa.schema({"rule": pa.string(), "distance_m": pa.float64()})


def through(kind, body, *, chunk_rows=None, monkeypatch=None, stated=USUAL, encoding=None):
    """Read and write a file with the row number as rule; return what was written and the chunks."""
    if chunk_rows:
        for module in (points_geojson, parquet_bounds, points_xlsx):
            monkeypatch.setattr(module, "CHUNK_ROWS", chunk_rows)
        monkeypatch.setattr(points_csv, "MOST_ROWS", chunk_rows)
    sink = io.BytesIO()
    file = points.open_points(kind, io.BytesIO(body), sink, stated=stated, added=ADDED, encoding=encoding)
    chunks = []
    with closing(file):
        for chunk in file.chunks():
            numbers = np.arange(chunk.first, chunk.first + len(chunk.x))
            rule = pa.array(numbers).cast(pa.string()).dictionary_encode()
            half = pa.array(np.where(numbers % 2 == 0, np.nan, numbers / 2), from_pandas=True)
            file.write(chunk, pa.record_batch([rule, half], names=ADDED.names))
            chunks.append(chunk)
    return sink.getvalue(), chunks
