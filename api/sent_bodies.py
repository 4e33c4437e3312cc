"""Bodies of replies that were sent before, ready to be sent again: written and compressed once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from api.web.replies import Packed, pack

#: Bytes held, plain and compressed; the newest body is held whatever its size.
MOST_BYTES = 64 * 1024 * 1024


class SentBodies:
    """Bodies by key, the least recently asked for dropped first; shared by threads.

    Parameters
    ----------
    effort
        Of compressing, 1 to 9: the least where a body is seldom asked for again.
    """

    def __init__(self, *, effort: int = 6) -> None:
        self._effort = effort
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, Packed] = OrderedDict()
        self._bytes = 0

    def held(self, key: Hashable) -> Packed | None:
        """Return a body if it is held, at once."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def get(self, key: Hashable, write: Callable[[], bytes]) -> Packed:
        """Return a body, written now unless it is held; `key` must tell apart all that it depends on."""
        found = self.held(key)
        if found is not None:
            return found
        body = pack(write(), effort=self._effort)
        with self._lock:
            if key not in self._held:
                self._held[key] = body
                self._bytes += _size(body)
            while self._bytes > MOST_BYTES and len(self._held) > 1:
                _, dropped = self._held.popitem(last=False)
                self._bytes -= _size(dropped)
        return body


def _size(body: Packed) -> int:
    return len(body.content) + len(body.gzipped or b"")
