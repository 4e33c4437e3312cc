"""Posts: who answers for a grid, a compound or a building, and when."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import pandas as pd
from sqlalchemy.orm import Session

from layers import store


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody who answers for a grid, a compound or a building."""

    role: str
    name: str
    phone: str | None
    target_layer: str
    target_code: str
    valid_from: dt.date | None
    valid_to: dt.date | None

    def holds(self, on: dt.date) -> bool:
        """Whether the post is held on a day; both ends of its term included."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


#: Posts by target layer and code.
Posts = Mapping[tuple[str, str], Sequence[Post]]


def load_posts(session: Session, revision: int, *, codes: Collection[str] | None = None) -> Posts:
    """Read the posts at a revision by their targets, ordered by code; `codes` limits the targets."""
    source = store.table("posts")
    where = None if codes is None else source.c.target_code.in_(list(codes))
    frame: pd.DataFrame = store.read(session, "posts", revision, where=where)
    posts: dict[tuple[str, str], list[Post]] = {}
    for row in store.rows(frame.sort_values("code"), [field.name for field in fields(Post)]):
        post = Post(*row)
        posts.setdefault((post.target_layer, post.target_code), []).append(post)
    return posts


def held(posts: Posts, targets: Iterable[tuple[str, str]], on: dt.date) -> list[Post]:
    """Return the posts held on a day, target by target."""
    return [post for target in targets for post in posts.get(target, ()) if post.holds(on)]
