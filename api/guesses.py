"""How often a password may be guessed."""

import math
import time
from hashlib import sha256

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.errors import Problem

#: Wrong passwords for one account from one client, and for all accounts from one client, in a quarter of an hour.
MOST_FOR_AN_ACCOUNT, MOST_FROM_A_CLIENT = 10, 100
_MINUTES = 15


class Guesses:
    """Wrong passwords of late, by account and client; right ones are not counted.

    Counted in this process: several workers allow as many times more. An account cannot be locked by
    somebody elsewhere, since guesses count for the client that made them.
    """

    def __init__(self) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def check(self, account: str, client: str) -> None:
        """Refuse a further attempt where there were too many.

        Raises
        ------
        Problem
            ``too-many-requests``, with the seconds to wait in ``Retry-After``.
        """
        waits = [
            self._window.get_window_stats(limit, *whose).reset_time - time.time()
            for limit, whose in _counters(account, client)
            if not self._window.test(limit, *whose)
        ]
        if waits:
            seconds = max(1, math.ceil(max(waits)))
            raise Problem(
                "too-many-requests",
                f"Too many wrong passwords from {client}: try again in {seconds} seconds.",
                headers={"Retry-After": str(seconds)},
            )

    def wrong(self, account: str, client: str) -> None:
        """Count a wrong password."""
        for limit, whose in _counters(account, client):
            self._window.hit(limit, *whose)


def _counters(account: str, client: str) -> list[tuple[RateLimitItem, tuple[str, ...]]]:
    # A digest, so that long names fill no memory.
    name = sha256(account.encode()).hexdigest()
    return [
        (RateLimitItemPerMinute(MOST_FOR_AN_ACCOUNT, _MINUTES), ("account", name, client)),
        (RateLimitItemPerMinute(MOST_FROM_A_CLIENT, _MINUTES), ("client", client)),
    ]
