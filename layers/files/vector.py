"""GeoPackage, Shapefile (also zipped), GeoJSON, newline-delimited GeoJSON and FlatGeobuf, through GDAL."""

import json
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from geo.faults import DataError, Fault
from layers.files import geojson, places, text
from layers.files.source import ROW, Source, numbered, refused, without_places

#: Suffix to GDAL's driver, which is also the name of the format.
DRIVERS = {
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".geojsonl": "GeoJSONSeq",
    ".geojsons": "GeoJSONSeq",
    ".ndjson": "GeoJSONSeq",
    ".fgb": "FlatGeobuf",
}
_SEQUENCES = {suffix for suffix, driver in DRIVERS.items() if driver == "GeoJSONSeq"}
_PLACES_ONLY = {"ESRI Shapefile", "FlatGeobuf"}
_KINDS = {-1: "nothing", 0: "points", 1: "lines", 2: "areas"}
_WITH_CURVES = {".gpkg", ".fgb"}
_CURVES = "('CIRCULARSTRING', 'COMPOUNDCURVE', 'CURVEPOLYGON', 'MULTICURVE', 'MULTISURFACE')"
UTF_8 = "UTF-8"
#: Encodings in which a shapefile's text can be written.
ENCODINGS = (UTF_8, "GBK")
_BESIDE_SHP = (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx")
#: One byte a character, every byte allowed: text goes through unharmed and is decoded afterwards.
_BYTES = "ISO-8859-1"


def read(
    path: Path,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    x: str | None = None,
    y: str | None = None,
) -> Source:
    """Read one layer of a vector file.

    Curved geometries are refused record by record, since GDAL would replace them by lines of its own choice.

    Parameters
    ----------
    sheet
        The layer, where the file holds several.
    encoding
        Of a shapefile's attributes. Without it, the .cpg file's is taken when the text fits it, else UTF-8,
        else GB18030.
    x, y
        Coordinate columns, for a layer without geometries.

    Raises
    ------
    DataError
        ``file-truncated``, ``file-unreadable``, ``file-empty``, ``encoding-unknown``, ``parameter-invalid``.
    """
    suffix = path.suffix.lower()
    if suffix == ".zip":
        with _unpacked(path) as inner:
            return read(inner, sheet=sheet, encoding=encoding, x=x, y=y)
    if suffix == ".shp":
        return _read_shapefile(path, encoding)
    if suffix in _SEQUENCES:
        _require_whole_lines(path)
    layer = _choose_layer(path, sheet)
    frame = _frame(path, layer)
    if suffix == ".fgb" and pyogrio.read_info(path)["features"] > len(frame):
        raise refused(path, "file-truncated", "it holds fewer features than its header says")
    if not isinstance(frame, gpd.GeoDataFrame):
        located, faults = places.locate(numbered(frame), x=x, y=y)
        return Source(located, DRIVERS[suffix], faults=faults)
    faults = _curved(path, layer, frame) if suffix in _WITH_CURVES else []
    return Source(numbered(frame), DRIVERS[suffix], faults=faults)


def _frame(path: Path, layer: str | None, encoding: str | None = None) -> pd.DataFrame:
    """Read with record ids as index; GDAL's words about a bad file become ours."""
    try:
        # A NaN coordinate makes GEOS raise a floating-point flag; validity tells of it later.
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame: pd.DataFrame = pyogrio.read_dataframe(
                path, layer=layer, encoding=encoding, fid_as_index=True, on_invalid="ignore"
            )
    except (DataSourceError, DataLayerError, FeatureError) as error:
        raise refused(path, _kind(path, error), error) from error
    except ValueError as error:
        raise refused(path, "file-unreadable", error) from error
    return frame


def _kind(path: Path, error: Exception) -> str:
    """Tell a file that was cut off from one that is something else."""
    said = str(error).lower()
    cut = ("unterminated", "unexpected end", "malformed", "parsing feature", "eof", "truncated", "incomplete")
    return (
        "file-truncated" if any(word in said for word in cut) and path.stat().st_size else "file-unreadable"
    )


def _choose_layer(path: Path, wanted: str | None) -> str | None:
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except DataSourceError as error:
        raise refused(path, _kind(path, error), error) from error
    if wanted is None and len(names) > 1:
        raise DataError(
            _several(f"The file holds several layers: {', '.join(names)}. Name one with --sheet.")
        )
    if wanted is not None and wanted not in names:
        raise DataError(_several(f"No layer {wanted!r}; there are: {', '.join(names)}."))
    return wanted or next(iter(names), None)


def _several(message: str) -> Fault:
    return Fault(kind="parameter-invalid", field="sheet", message=message)


def _curved(path: Path, layer: str | None, frame: pd.DataFrame) -> list[Fault]:
    """Faults of the records that GDAL turned from curves into lines."""
    table = (layer or "").replace('"', '""')
    query = f'SELECT FID FROM "{table}" WHERE OGR_GEOMETRY IN {_CURVES}'  # noqa: S608 - an identifier, quoted
    found = pyogrio.read_dataframe(
        path, sql=query, sql_dialect="OGRSQL", read_geometry=False, fid_as_index=True
    )
    rows = frame.index.get_indexer(found.index)
    return [
        Fault(kind="geometry-curved", row=int(row) + 1, message="Replace curves by line segments.")
        for row in rows
    ]


# --- newline-delimited GeoJSON ---------------------------------------------------------------------------


def _require_whole_lines(path: Path) -> None:
    """GDAL silently leaves out a last line that was cut off."""
    last = next((line for line in reversed(path.read_bytes().splitlines()) if line.strip(b" \t\x1e")), b"{}")
    try:
        json.loads(last.strip(b" \t\x1e"))
    except ValueError as error:
        raise refused(path, "file-truncated", "the last line is not a whole feature") from error


# --- shapefiles ------------------------------------------------------------------------------------------


def _read_shapefile(path: Path, encoding: str | None) -> Source:
    _require_whole(path)
    frame = _frame(path, None, _BYTES)
    stated = _sibling(path, ".cpg")
    cpg = stated.read_text(encoding="ascii", errors="ignore").strip() if stated else ""
    notes = []
    candidates = [encoding] if encoding else [*([cpg] if cpg else []), *text.USUAL]
    taken = text.choose(_raw_values(frame), candidates)
    if cpg and not encoding and taken != cpg:
        notes.append(f"The .cpg file says {cpg}, but the text is {taken}.")
    if not cpg and not encoding:
        notes.append(f"No .cpg file states the encoding: the text was read as {taken}.")
    decoded = _decoded(frame, taken)
    if decoded.geometry.isna().all() and not decoded.empty:
        return Source(numbered(without_places(decoded)), "ESRI Shapefile", taken, notes=notes)
    return Source(numbered(decoded), "ESRI Shapefile", taken, notes=notes)


def _require_whole(path: Path) -> None:
    """Compare the sizes that the headers state with the files': GDAL reads what is missing as no geometry."""
    table = _sibling(path, ".dbf")
    if table is None or _sibling(path, ".shx") is None:
        raise refused(path, "file-unreadable", "a shapefile needs its .shp, .shx and .dbf files side by side")
    head = path.read_bytes()[:100]
    if len(head) < 100 or 2 * int.from_bytes(head[24:28], "big") > path.stat().st_size:  # noqa: PLR2004 - its header
        raise refused(path, "file-truncated", "the .shp file is shorter than its header says")
    head = table.read_bytes()[:32]
    records, start, width = (int.from_bytes(head[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12)))
    if start + records * width > table.stat().st_size:
        raise refused(path, "file-truncated", "the .dbf file is shorter than its header says")


def _sibling(path: Path, suffix: str) -> Path | None:
    named = (path.with_suffix(suffix), path.with_suffix(suffix.upper()))
    return next((other for other in named if other.is_file()), None)


def _text_columns(frame: pd.DataFrame) -> list[str]:
    return [
        name
        for name in frame.columns
        if name != "geometry" and (frame[name].dtype == object or pd.api.types.is_string_dtype(frame[name]))
    ]


def _raw_values(frame: pd.DataFrame) -> Iterator[bytes]:
    yield from (str(name).encode(_BYTES) for name in frame.columns)
    for name in _text_columns(frame):
        yield from (value.encode(_BYTES) for value in frame[name].dropna().unique() if isinstance(value, str))


def _decoded(frame: gpd.GeoDataFrame, encoding: str) -> gpd.GeoDataFrame:
    def decode(value: object) -> object:
        return text.decode_cut(value.encode(_BYTES), encoding) if isinstance(value, str) else value

    texts = {name: frame[name].map(decode) for name in _text_columns(frame)}
    return frame.assign(**texts).rename(columns=decode)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Unpack a zip file's one dataset under plain names; names inside are often GBK, which zip cannot say."""
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            members = [item for item in archive.infolist() if not item.is_dir()]
            main = _main_member(path, members)
            stem = str(Path(main.filename).with_suffix(""))
            for item in members:
                if str(Path(item.filename).with_suffix("")) == stem:
                    target = Path(folder) / f"data{Path(item.filename).suffix.lower()}"
                    with archive.open(item) as packed, target.open("wb") as unpacked:
                        shutil.copyfileobj(packed, unpacked)
            yield Path(folder) / f"data{Path(main.filename).suffix.lower()}"
    except zipfile.BadZipFile as error:
        raise refused(path, "file-truncated", error) from error


def _main_member(path: Path, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    found = [item for item in members if Path(item.filename).suffix.lower() in DRIVERS]
    found = [item for item in found if not item.filename.startswith("__MACOSX")]
    if len(found) != 1:
        listed = ", ".join(item.filename for item in found) or "none"
        raise refused(path, "file-unreadable", f"one dataset is wanted in a zip file, this one has: {listed}")
    return found[0]


# --- out -------------------------------------------------------------------------------------------------


def write(frame: pd.DataFrame, path: Path, *, encoding: str = UTF_8) -> None:
    """Write a frame as one layer named after the file, in place of whatever it holds.

    Parameters
    ----------
    encoding
        Of a shapefile's text, one of :data:`ENCODINGS`; its .cpg file says which. The other formats are UTF-8.

    Raises
    ------
    DataError
        ``parameter-invalid`` for records without places in a format that needs them, for points beside areas in a
        shapefile, which holds one kind, and for an encoding that there is not; ``value-invalid`` for text that it
        cannot say.
    """
    driver = DRIVERS[path.suffix.lower()]
    if driver in _PLACES_ONLY and not isinstance(frame, gpd.GeoDataFrame):
        message = f"{driver} holds places, and these records have none: write .csv, .xlsx or .gpkg."
        raise DataError(Fault(kind="parameter-invalid", field="file", message=message))
    if driver.startswith("GeoJSON"):
        geojson.write(frame, path, in_lines=driver == "GeoJSONSeq")
        return
    options = {}
    if driver == "ESRI Shapefile":
        _check_one_kind(frame)
        _check_text(frame, known_encoding(encoding))
        options["encoding"] = known_encoding(encoding)
    _clear(path)
    with warnings.catch_warnings():
        # Field names cut to ten bytes and text to 254 are what a shapefile is; no CRS is what was asked for.
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(frame.reset_index(drop=True), path, driver=driver, layer=path.stem, **options)


def _clear(path: Path) -> None:
    """Remove what GDAL would add to, or leave lying: a .prj file beside a new shapefile that states no CRS."""
    path.unlink(missing_ok=True)
    if path.suffix.lower() == ".shp":
        for suffix in _BESIDE_SHP:
            path.with_suffix(suffix).unlink(missing_ok=True)


def known_encoding(name: str) -> str:
    """Return one of :data:`ENCODINGS` by its name in any case.

    Raises
    ------
    DataError
        ``parameter-invalid`` if there is no such.
    """
    if name.upper() not in ENCODINGS:
        message = f"{name!r} is none of {', '.join(ENCODINGS)}."
        raise DataError(Fault(kind="parameter-invalid", field="encoding", message=message))
    return name.upper()


def _check_text(frame: gpd.GeoDataFrame, encoding: str) -> None:
    """GDAL leaves out the letters that an encoding lacks."""
    faults = [
        Fault(
            kind="value-invalid",
            field=name,
            message=f"{encoding} cannot say {value[:40]!r}, nor {len(lost) - 1} other values: write {UTF_8}.",
        )
        for name in _text_columns(frame)
        if (lost := [each for each in frame[name].dropna().unique() if not _says(encoding, each)])
        for value in lost[:1]
    ]
    if faults:
        raise DataError(faults)


def _says(encoding: str, value: object) -> bool:
    try:
        str(value).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _check_one_kind(frame: gpd.GeoDataFrame) -> None:
    kinds = np.unique(shapely.get_dimensions(frame.geometry.dropna().to_numpy()))
    if len(kinds) > 1:
        named = " and ".join(_KINDS[kind] for kind in kinds.tolist())
        message = f"A shapefile holds one kind of geometry, and these are {named}: write .gpkg."
        raise DataError(Fault(kind="parameter-invalid", field="file", message=message))


__all__ = ["DRIVERS", "ENCODINGS", "ROW", "UTF_8", "known_encoding", "read", "write"]
