"""The areas, compounds, buildings, old estates and posts of a snapshot, kept in memory while their layers stay as they are."""

from functools import lru_cache
from typing import Any

from api.models import Recipe
from api.snapshots import Snapshot
from layers import located
from layers.database import Session
from layers.located import Areas, Buildings, Compounds, Locator, Posts

_COMPOUNDS = Recipe("compounds", ("compounds",), located.load_compounds, located.patch_compounds)
_BUILDINGS = Recipe("buildings", ("buildings",), located.load_buildings, located.patch_buildings)
_OLD_ESTATES = Recipe("old estates", ("old_estates",), located.load_old_estates, located.patch_old_estates)


def _reload(session: Session, _older: Posts, _since: int, revision: int) -> Posts:
    return located.load_posts(session, revision)


_POSTS: Recipe[Posts] = Recipe("posts", ("posts",), located.load_posts, _reload)
_SCHEMES = Recipe("schemes", ("grids",), located.schemes)


def areas_at(snapshot: Snapshot, level: str, scheme: str = located.SCHEME) -> Areas:
    """Return the areas of a level and scheme, indexed for assignment."""
    return snapshot.made(_areas(level, scheme))


def compounds_at(snapshot: Snapshot) -> Compounds:
    """Return the compounds, indexed by place."""
    return snapshot.made(_COMPOUNDS)


def buildings_at(snapshot: Snapshot) -> Buildings:
    """Return the buildings, indexed by place."""
    return snapshot.made(_BUILDINGS)


def posts_at(snapshot: Snapshot) -> Posts:
    """Return the posts by whom they answer for."""
    return snapshot.made(_POSTS)


def schemes_at(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the schemes of the grids, the default one first."""
    return snapshot.made(_SCHEMES)


def schemes_at_hand(snapshot: Snapshot) -> tuple[str, ...] | None:
    """Return the schemes of the grids if they are in memory."""
    return snapshot.at_hand(_SCHEMES)


def locator_at(snapshot: Snapshot, level: str, scheme: str = located.SCHEME) -> Locator:
    """Return all that locates a place, made now unless it is kept."""
    return Locator(
        snapshot.made(_areas(level, scheme)),
        snapshot.made(_COMPOUNDS),
        snapshot.made(_BUILDINGS),
        snapshot.made(_OLD_ESTATES),
        snapshot.made(_POSTS),
    )


def locator_at_hand(snapshot: Snapshot, level: str, scheme: str = located.SCHEME) -> Locator | None:
    """Return all that locates a place if it is in memory, so that an answer waits for nothing."""
    known: Locator | None = snapshot.composed.get((level, scheme))
    if known is not None:
        return known
    areas, compounds = snapshot.at_hand(_areas(level, scheme)), snapshot.at_hand(_COMPOUNDS)
    buildings, old_estates = snapshot.at_hand(_BUILDINGS), snapshot.at_hand(_OLD_ESTATES)
    posts = snapshot.at_hand(_POSTS)
    if areas is None or compounds is None or buildings is None or old_estates is None or posts is None:
        return None
    if level != "grid":
        # Whichever scheme is named, it is the same; only those that exist shall be kept.
        scheme = located.SCHEME
    locator = Locator(areas, compounds, buildings, old_estates, posts)
    snapshot.composed[level, scheme] = locator
    return locator


def prepare_locator(snapshot: Snapshot, level: str, scheme: str = located.SCHEME) -> None:
    """Have all that locates a place made in the background."""
    recipes: tuple[Recipe[Any], ...] = (_areas(level, scheme), _COMPOUNDS, _BUILDINGS, _OLD_ESTATES, _POSTS)
    for recipe in recipes:
        snapshot.prepare(recipe)


@lru_cache(maxsize=256)
def _areas(level: str, scheme: str) -> Recipe[Areas]:
    # Only grids have schemes: whichever is named, the other levels' areas are the same.
    name = ("areas", level, scheme if level == "grid" else located.SCHEME)

    def load(session: Session, revision: int) -> Areas:
        return located.load_areas(session, revision, level=level, scheme=scheme)

    def patch(session: Session, older: Areas, since: int, revision: int) -> Areas:
        return located.patch_areas(session, older, since, revision, scheme=scheme)

    return Recipe(name, located.layers_of(level), load, patch)
