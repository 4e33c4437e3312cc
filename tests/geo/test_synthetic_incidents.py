"""The demo city's year of incidents."""

import numpy as np
import pandas as pd
import shapely

from geo.synthetic import City


def test_they_fill_one_year_in_order(demo_city: City) -> None:
    reported = demo_city.incidents["reported_at"]
    assert str(reported.dt.tz) == "Asia/Shanghai"
    assert reported.is_monotonic_increasing
    assert set(reported.dt.year) == {2025}
    assert reported.dt.month.nunique() == 12


def test_days_and_weeks_have_a_rhythm(demo_city: City) -> None:
    reported = demo_city.incidents["reported_at"]
    hour = reported.dt.hour.value_counts()
    assert hour[9] > 8 * hour[3]
    weekend = reported.dt.day_of_week.ge(5).mean()
    assert 0.18 < weekend < 2 / 7


def test_most_are_closed_after_they_were_reported(demo_city: City) -> None:
    incidents = demo_city.incidents
    closed = incidents["status"] == "closed"
    assert 0.90 <= closed.mean() <= 0.94
    assert incidents["closed_at"].notna().equals(closed)
    assert (incidents["closed_at"] > incidents["reported_at"])[closed].all()


def test_a_few_lie_exactly_on_borders_and_outside(demo_city: City) -> None:
    points = shapely.points(demo_city.incidents[["lon", "lat"]].to_numpy())
    grids = shapely.STRtree(demo_city.grids.geometry.to_numpy())
    point, _ = grids.query(points, predicate="intersects")
    holders = np.bincount(point, minlength=len(points))
    assert 10 <= (holders >= 2).sum() <= 40
    assert 5 <= (holders == 0).sum() <= 60


def test_places_are_written_down(demo_city: City) -> None:
    incidents = demo_city.incidents
    assert (incidents["description"].str.len() > 3).all()
    assert incidents["address"].ne("").mean() > 0.9
    assert set(incidents["source"]) == {"hotline", "patrol", "app", "camera"}


def test_categories_differ_in_how_often_they_come(demo_city: City) -> None:
    count: pd.Series = demo_city.incidents["category"].value_counts()
    assert count.max() > 10 * count.min()


def test_they_cluster_where_people_are(demo_city: City) -> None:
    points = shapely.points(demo_city.incidents[["lon", "lat"]].to_numpy())
    _, grid = shapely.STRtree(demo_city.grids.geometry.to_numpy()).query(points, predicate="within")[::1]
    count = np.bincount(grid, minlength=len(demo_city.grids))
    people = demo_city.grids["people"].to_numpy(dtype=float)
    assert np.corrcoef(count, people)[0, 1] > 0.3
    assert np.sort(count)[-60:].sum() > 0.2 * count.sum()


def test_those_outside_wait_for_somebody(demo_city: City) -> None:
    outside = demo_city.incidents[demo_city.incidents["address"] == "区界以外"]
    assert 5 <= len(outside) <= 60
    assert set(outside["status"]) == {"open"}
    assert outside["closed_at"].isna().all()
