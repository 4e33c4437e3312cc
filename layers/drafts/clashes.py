"""What a draft and publications since its base both changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from geo.changes import Changes
from geo.faults import Fault
from layers import diffs, history
from layers.drafts import states
from layers.errors import Conflict
from layers.tables import Draft, Revision

#: Features that a refusal names in its message; all stand beside it.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Sides:
    """What became of one layer since a draft's base: in the draft, and in what was published."""

    mine: Changes
    theirs: Changes


@dataclass(frozen=True, slots=True)
class Clash:
    """A feature that both sides changed.

    ``fields`` are those in which they exclude each other, empty where one side removed the feature. ``base``, ``mine`` and
    ``theirs`` are the feature's columns in each state, None where it is not there; ``revision`` is the first since the base
    that changed it.
    """

    layer: str
    id: str
    code: str
    fields: tuple[str, ...]
    revision: Revision
    base: Mapping[str, Any] | None
    mine: Mapping[str, Any] | None
    theirs: Mapping[str, Any] | None


class Clashing(Conflict):
    """Features of the draft were changed by others since its base; ``clashes`` has both states of each."""

    def __init__(self, draft: Draft, clashes: list[Clash]) -> None:
        codes = ", ".join(dict.fromkeys(clash.code for clash in clashes[:_NAMED]))
        more = f" and {len(clashes) - _NAMED} more" if len(clashes) > _NAMED else ""
        super().__init__(
            f"Since revision {draft.base_revision}, on which the draft {draft.title!r} stands, others changed "
            f"{codes}{more} too: rebase it, and say whose word counts where both cannot.",
            faults=[_fault(clash) for clash in clashes],
        )
        self.clashes = clashes


def sides(session: Session, draft: Draft, newest: int) -> dict[str, Sides]:
    """Return what the draft and revisions up to the newest changed since its base, by layer of the draft."""
    state = states.state_of(draft)
    return {
        layer: Sides(
            states.changes_of(session, layer, state),
            diffs.of_layer(session, layer, draft.base_revision, newest),
        )
        for layer in states.layers_of(session, state)
    }


def described(
    session: Session, draft: Draft, layer: str, found: Sides, fields: Mapping[str, tuple[str, ...]]
) -> list[Clash]:
    """Return features of a layer that clash, by code; `fields` has the columns in question by id."""
    since = diffs.first_changes(session, layer, [*fields], draft.base_revision)
    listed = []
    for feature, columns in fields.items():
        base, mine, theirs = (
            _row(state, feature) for state in (found.theirs.before, found.mine.after, found.theirs.after)
        )
        code = (theirs or mine or base or {})["code"]
        revision = history.get(session, since[feature])
        listed.append(Clash(layer, feature, code, columns, revision, base, mine, theirs))
    return sorted(listed, key=lambda clash: clash.code)


def _row(frame: pd.DataFrame, feature: str) -> dict[str, Any] | None:
    if feature not in frame.index:
        return None
    return {str(name): value for name, value in frame.loc[feature].items()}


def _fault(clash: Clash) -> Fault:
    done = "removed it" if clash.theirs is None else "changed it"
    mine = ", which this draft removes" if clash.mine is None else ""
    what = f" ({', '.join(clash.fields)})" if clash.fields else ""
    return Fault(
        kind="changed-since",
        layer=clash.layer,
        id=clash.code,
        message=f"{clash.code} of {clash.layer}{mine}: {clash.revision.author} {done}{what} in revision "
        f"{clash.revision.number}.",
    )
