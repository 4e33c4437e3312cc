"""Several tables in one GeoPackage."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyogrio


def to_gpkg(layers: Mapping[str, pd.DataFrame]) -> bytes:
    """Write frames as the layers of a GeoPackage, in their order; one without geometry becomes a plain table.

    Parameters
    ----------
    layers
        By the layer's name; geometries with their CRS.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layers.gpkg"
        for number, (name, frame) in enumerate(layers.items()):
            pyogrio.write_dataframe(
                frame.reset_index(drop=True), path, driver="GPKG", layer=name, append=number > 0
            )
        return path.read_bytes()
