"""Where a place lies at one revision: its areas, compound, building, old estate and the people who answer for them.

Everything is decided by :mod:`geo.assign`; these modules read what it needs. Whole layers are read to be kept in
memory, and patched where a later revision changed them; for a single look-up at a past revision, or inside the
transaction that files an incident, only the neighbourhood of the point is read, which gives the same answer.
"""

from layers.located.areas import (
    SCHEME,
    Area,
    Areas,
    layers_of,
    load_areas,
    named_areas,
    patch_areas,
    path_of,
    paths_in,
    paths_of,
    schemes,
)
from layers.located.location import Location, Locator, locate, locate_at, number
from layers.located.neighbourhood import Place, widened
from layers.located.outlines import (
    Building,
    Buildings,
    Compound,
    Compounds,
    OldEstate,
    OldEstates,
    load_buildings,
    load_compounds,
    load_old_estates,
    patch_buildings,
    patch_compounds,
    patch_old_estates,
)
from layers.located.posts import Post, Posts, held, load_posts

__all__ = [
    "SCHEME",
    "Area",
    "Areas",
    "Building",
    "Buildings",
    "Compound",
    "Compounds",
    "Location",
    "Locator",
    "OldEstate",
    "OldEstates",
    "Place",
    "Post",
    "Posts",
    "held",
    "layers_of",
    "load_areas",
    "load_buildings",
    "load_compounds",
    "load_old_estates",
    "load_posts",
    "locate",
    "locate_at",
    "named_areas",
    "number",
    "patch_areas",
    "patch_buildings",
    "patch_compounds",
    "patch_old_estates",
    "path_of",
    "paths_in",
    "paths_of",
    "schemes",
    "widened",
]
