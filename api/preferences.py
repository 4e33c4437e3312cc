"""What a client prefers of a reply (RFC 7240): not to wait for one that takes long."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

#: The longest that a client is kept waiting because it said it would.
MOST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Preferences:
    """``respond_async``: rather a job than a wait of more than ``wait_s``."""

    respond_async: bool = False
    wait_s: float = 0.0


def preferences(stated: str) -> Preferences:
    """Read a Prefer header; what is not known, or not well-formed, is no preference (RFC 7240, 2)."""
    found: dict[str, str] = {}
    for part in stated.split(","):
        name, _, value = part.partition(";")[0].partition("=")
        # Of a preference stated twice the first counts.
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = found.get("wait", "")
    seconds = float(wait) if wait.isascii() and wait.isdigit() else 0.0
    return Preferences("respond-async" in found, min(seconds, MOST_WAIT_S))


def _preferences(
    prefer: Annotated[
        list[str] | None,
        Header(
            description="respond-async: a job (202) rather than a wait; wait=10: but so many seconds are fine"
        ),
    ] = None,
) -> Preferences:
    return preferences(",".join(prefer or []))


PreferencesDep = Annotated[Preferences, Depends(_preferences)]
