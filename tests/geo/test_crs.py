"""Coordinates in: seven known places in every datum, round trips, refusals and contradictions."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import crs, datums
from geo.faults import DataError

# name, WGS84, EPSG with zone prefix, EPSG by central meridian, Gauss-Krüger, GCJ-02, BD-09
PLACES = [
    ("Duanzhou", 112.4845, 23.0519, 4525, 4546, 652148.34, 2551057.118, 112.4896982, 23.04922769, 112.49626663, 23.05494),
    ("Dinghu", 112.566, 23.158, 4526, 4547, 353143.69, 2562758.142, 112.57098596, 23.15516294, 112.57742277, 23.16144529),
    ("Xian'an", 114.2987, 29.8525, 4526, 4547, 528863.043, 3303800.296, 114.304073, 29.84999297, 114.31064117, 29.85565278),
    ("Huangpu", 113.459, 23.1064, 4526, 4547, 444578.302, 2556423.505, 113.46443879, 23.10382639, 113.47100234, 23.10949435),
    ("Lizhou", 105.845, 32.4337, 4523, 4544, 579469.804, 3590259.999, 105.84870254, 32.43129737, 105.85513425, 32.43758836),
    ("Haishu", 121.5504, 29.8597, 4529, 4550, 359929.574, 3305443.28, 121.55455619, 29.85711555, 121.56095214, 29.86346106),
    ("Beijing", 116.403988, 39.914266, 4527, 4548, 449040.477, 4420179.728, 116.41023241, 39.91567025, 116.4166156, 39.9219658),
]  # fmt: skip
MM_IN_DEG = 1e-3 / 111_000
ESRI_PRJ = (
    'PROJCS["CGCS2000_3_Degree_GK_CM_114E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",'
    'DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],'
    'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",114.0],PARAMETER["Scale_Factor",1.0],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)
# A city-independent system as survey offices hold them: shifted false origin, rotated by a small angle.
ROTATED = (
    "+proj=pipeline +step +inv +proj=affine +xoff=-450000 +yoff=-3250000 +s11=0.9999 +s12=0.01 +s21=-0.01 "
    "+s22=0.9999 +step +inv +proj=tmerc +lon_0=114 +x_0=500000 +ellps=GRS80 "
    "+step +proj=unitconvert +xy_in=rad +xy_out=deg"
)


def kinds(error: pytest.ExceptionInfo[DataError]) -> list[str]:
    return [fault.kind for fault in error.value.faults]


@pytest.mark.parametrize("place", PLACES, ids=[place[0] for place in PLACES])
def test_a_known_place_agrees_in_every_datum_and_zone(place):
    _, lon, lat, prefixed, by_meridian, easting, northing, gcj_lon, gcj_lat, bd_lon, bd_lat = place
    forms = {
        "gcj02": (gcj_lon, gcj_lat, MM_IN_DEG),
        "bd09": (bd_lon, bd_lat, MM_IN_DEG),
        "cgcs2000": (lon, lat, 0),
        f"EPSG:{by_meridian}": (easting, northing, 1e-3),
        f"EPSG:{prefixed}": ((prefixed - 4488) * 1e6 + easting, northing, 1e-3),
    }
    for name, (x, y, tolerance) in forms.items():
        reference = crs.parse(name)
        assert np.allclose(crs.from_lonlat([lon], [lat], reference), [[x], [y]], rtol=0, atol=tolerance), name
        assert np.allclose(
            crs.to_lonlat([x], [y], reference), [[lon], [lat]], rtol=0, atol=1.5 * MM_IN_DEG
        ), name
    assert crs.choose_metric([lon], [lat]) == f"EPSG:{by_meridian}"


in_china = st.tuples(st.floats(73, 135), st.floats(3, 54))


@given(st.lists(in_china, min_size=1, max_size=20), st.sampled_from(["gcj02", "bd09"]))
def test_an_obfuscated_datum_and_back_stays_within_a_tenth_of_a_millimetre(points, name):
    lon, lat = np.array(points).T
    reference = crs.parse(name)
    back = crs.to_lonlat(*crs.from_lonlat(lon, lat, reference), reference)
    assert np.allclose(back, (lon, lat), rtol=0, atol=MM_IN_DEG / 10)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_gcj02_leaves_the_rest_of_the_world_alone(lon, lat):
    shifted = crs.from_lonlat([lon], [lat], crs.parse("gcj02"))
    inside = 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271
    assert (shifted[0][0] == lon and shifted[1][0] == lat) or inside
    back = crs.to_lonlat(*shifted, crs.parse("gcj02"))
    assert np.allclose(back, [[lon], [lat]], rtol=0, atol=MM_IN_DEG) or inside


def test_a_nan_among_the_points_does_not_touch_the_others():
    for name in ("gcj02", "bd09", "EPSG:4547"):
        reference = crs.parse(name)
        x, y = crs.from_lonlat([114.3, 114.4], [30.5, 30.6], reference)
        lon, lat = crs.to_lonlat([x[0], np.nan, x[1]], [y[0], 1.0, y[1]], reference)
        assert np.isnan(lon[1])
        assert np.allclose([lon[0], lat[2]], [114.3, 30.6], rtol=0, atol=MM_IN_DEG)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("WGS-84", "wgs84"),
        ("GCJ-02", "gcj02"),
        ("BD09", "bd09"),
        ("CRS84", "wgs84"),
        ("CGCS2000", "cgcs2000"),
        (4547, "EPSG:4547"),
        ("4490", "EPSG:4490"),
        ("epsg:4547", "EPSG:4547"),
        ("+init=epsg:4547", "EPSG:4547"),
        ("urn:ogc:def:crs:EPSG::4547", "EPSG:4547"),
        ("http://www.opengis.net/def/crs/EPSG/0/4547", "EPSG:4547"),
        (ESRI_PRJ, "EPSG:4547"),
    ],
)
def test_a_reference_is_understood_in_its_usual_spellings(text, name):
    assert crs.parse(text).name == name


def test_an_esri_prj_projects_like_its_epsg_code():
    lon, lat = crs.to_lonlat([528863.043], [3303800.296], crs.parse(ESRI_PRJ))
    assert np.allclose([lon[0], lat[0]], [114.2987, 29.8525], rtol=0, atol=MM_IN_DEG)


def test_geographic_crs_take_longitude_first_whatever_the_authority_says():
    for code in (4326, 4490):
        assert crs.to_lonlat([114.0], [30.0], crs.parse(code))[0][0] == 114.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "datum-missing"),
        ("  ", "datum-missing"),
        ("beijing", "datum-unknown"),
        ("EPSG:99999", "datum-unknown"),
        ("EPSG:4978", "datum-unknown"),  # geocentric
        ("EPSG:5773", "datum-unknown"),  # heights only
        ('LOCAL_CS["site"]', "datum-unknown"),
        ("+proj=nonsense", "datum-unknown"),
        ("[" * 30_000, "datum-unknown"),
        ("EPSG:4610", "datum-ballpark"),  # Xi'an 1980: only a guess is known
        ("+proj=tmerc +lon_0=114 +x_0=500000 +ellps=GRS80", "datum-ballpark"),
    ],
)
def test_what_cannot_be_trusted_is_refused_by_name(text, kind):
    with pytest.raises(DataError) as error:
        crs.parse(text)
    assert kinds(error) == [kind]


def test_a_local_crs_comes_from_the_given_mapping():
    local = {
        "武汉2000": "+proj=tmerc +lon_0=114.333333 +x_0=800000 +y_0=-3000000 +ellps=GRS80 +towgs84=0,0,0",
        "rotated": ROTATED,
    }
    for name in local:
        reference = crs.parse(name, local=local)
        assert reference.name == name
        x, y = crs.from_lonlat([114.3], [30.6], reference)
        assert np.allclose(crs.to_lonlat(x, y, reference), [[114.3], [30.6]], rtol=0, atol=MM_IN_DEG)
    with pytest.raises(DataError):
        crs.parse("武汉2000")
    with pytest.raises(DataError):
        crs.parse("broken", local={"broken": "+proj=pipeline +step +proj=nonsense"})


def test_metric_crs_outside_china_is_utm():
    assert crs.choose_metric([-15.54, -15.38], [28.01, 28.18]) == "EPSG:32628"
    assert crs.choose_metric([-71.06], [42.36]) == "EPSG:32619"
    assert crs.choose_metric([151.2], [-33.9]) == "EPSG:32756"
    with pytest.raises(DataError):
        crs.choose_metric([np.nan], [1.0])


def test_geometries_keep_their_kind_lose_heights_and_come_back():
    geoms = np.array([shapely.Point(114, 30, 5), shapely.box(114, 30, 114.1, 30.1), None], dtype=object)
    there = crs.to_metric(geoms, "EPSG:4547")
    assert not shapely.has_z(there).any()
    assert there[2] is None
    back = crs.from_metric(there, "EPSG:4547")
    assert shapely.equals_exact(back[:2], shapely.force_2d(geoms[:2]), tolerance=MM_IN_DEG).all()


def test_threads_share_transformers():
    def work(_: int) -> float:
        return float(crs.to_lonlat([500_000.0], [3_300_000.0], crs.parse("EPSG:4547"))[0][0])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(64))) == {work(0)}


def test_bad_points_are_all_named_with_their_rows():
    x = [114.3, np.nan, 30.6, 200.0, 114.3, np.inf]
    y = [30.6, 30.6, 114.3, 10.0, 91.0, 1.0]
    faults = crs.coordinate_faults(x, y)
    assert [(fault.row, fault.kind) for fault in faults] == [
        (2, "coordinate-not-a-number"),
        (3, "coordinate-swapped"),
        (4, "coordinate-out-of-range"),
        (5, "coordinate-out-of-range"),
        (6, "coordinate-not-a-number"),
    ]
    # Kashgar swapped is a possible place of the world, but not of China.
    assert [f.kind for f in crs.coordinate_faults([39.47], [75.99], crs.parse("gcj02"))] == [
        "coordinate-swapped"
    ]
    assert [f.kind for f in crs.coordinate_faults([1e9], [1e9], crs.parse("EPSG:4547"))] == [
        "coordinate-out-of-range"
    ]


WUHAN = (113.9, 30.3, 114.6, 30.8)


@pytest.mark.parametrize(
    ("stated", "x", "y", "hull", "says"),
    [
        ("wgs84", 528863.0, 3303800.0, None, "metres: state the zone"),
        ("wgs84", 38528863.0, 3303800.0, None, "EPSG:4526"),
        ("wgs84", 528863.0, 3383800.0, WUHAN, "EPSG:4547"),
        ("EPSG:4547", 114.3, 30.6, None, "wgs84"),
        ("EPSG:4547", 30.6, 114.3, None, "wgs84 with swapped axes"),
        ("EPSG:4547", 3303800.0, 528863.0, WUHAN, "EPSG:4547 with swapped axes"),
        ("EPSG:4547", 38528863.0, 3303800.0, None, "EPSG:4526"),
        ("EPSG:4526", 528863.0, 3383800.0, WUHAN, "EPSG:4547"),
        ("EPSG:4550", 528863.0, 3383800.0, WUHAN, "EPSG:4547"),
        ("gcj02", -15.4, 28.1, None, "wgs84"),
        ("wgs84", 30.6, 114.3, None, "wgs84 with swapped axes"),
        ("wgs84", -15.4, 28.1, WUHAN, "a database of its own"),
    ],
)
def test_an_extent_that_contradicts_says_what_it_probably_is(stated, x, y, hull, says):
    faults = crs.check_extent([x] * 3, [y] * 3, crs.parse(stated), hull=hull)
    assert [fault.kind for fault in faults] == ["datum-contradicted"]
    assert says in faults[0].message


@pytest.mark.parametrize("place", PLACES, ids=[place[0] for place in PLACES])
def test_a_true_extent_is_not_contradicted(place):
    _, lon, lat, prefixed, by_meridian, *_ = place
    for name in ("wgs84", "cgcs2000", "gcj02", "bd09", prefixed, by_meridian, by_meridian - 1, 32650):
        reference = crs.parse(name)
        xy = crs.from_lonlat([lon], [lat], reference)
        # One zone further is used by districts astride a border; UTM zone 50 serves 114-120 degrees only.
        if name not in (32650, by_meridian - 1):
            assert crs.check_extent(*xy, reference) == []
        assert crs.coordinate_faults(*xy, reference) == []


def test_the_hint_counts_points_outside_under_each_datum():
    hull = shapely.box(114.2, 30.5, 114.3, 30.6)
    lon, lat = (
        axis.ravel()
        for axis in np.meshgrid(np.linspace(114.201, 114.299, 30), np.linspace(30.501, 30.599, 30))
    )
    shifted = crs.from_lonlat(lon, lat, crs.parse("gcj02"))
    shares = datums.hint(*shifted, hull)
    assert shares["gcj02"] == 0
    assert shares["wgs84"] > 0
    assert shares["bd09"] > 0
