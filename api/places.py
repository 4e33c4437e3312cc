"""The areas, compounds and posts of a snapshot, kept in memory while their layers stay as they are."""

from api.snapshots import Snapshot
from layers import located
from layers.database import Session
from layers.located import Areas, Compounds, Posts


def areas_at(snapshot: Snapshot, level: str, scheme: str = located.SCHEME) -> Areas:
    """Return the areas of a level and scheme, indexed for assignment."""

    def load(session: Session, revision: int) -> Areas:
        return located.load_areas(session, revision, level=level, scheme=scheme)

    return snapshot.model(("areas", level, scheme), layers=located.layers_of(level), load=load)


def compounds_at(snapshot: Snapshot) -> Compounds:
    """Return the compounds, indexed by place."""
    return snapshot.model("compounds", layers=("compounds",), load=located.load_compounds)


def posts_at(snapshot: Snapshot) -> Posts:
    """Return the posts by whom they answer for."""
    return snapshot.model("posts", layers=("posts",), load=located.load_posts)


def at_hand(snapshot: Snapshot, level: str, scheme: str) -> bool:
    """Tell whether all that locates a place is in memory, so that an answer waits for nothing."""
    return (
        snapshot.has(("areas", level, scheme), layers=located.layers_of(level))
        and snapshot.has("compounds", layers=("compounds",))
        and snapshot.has("posts", layers=("posts",))
    )
