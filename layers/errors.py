"""What can go wrong between us and what is stored; the docstring of each says what to do."""

from collections.abc import Sequence

from geo.faults import Fault


class LayersError(Exception):
    """Root of the errors of this package; its message is meant for the user."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class DatabaseUnavailable(LayersError):  # noqa: N818 - the words of the user's report
    """The database does not answer; check that it runs and that WANGGE_DATABASE_URL is right."""


class DatabaseFull(DatabaseUnavailable):
    """The database has no space left; nothing of this request was stored. Free some disk space."""


class DatabaseUnsuitable(LayersError):  # noqa: N818
    """The database cannot be used: PostGIS 3.3 or later is needed."""


class DatabaseOutdated(LayersError):  # noqa: N818
    """The database has pending migrations; run: wangge db migrate."""


class BeforeHistory(LayersError):  # noqa: N818
    """Nothing had been published yet at the instant asked for."""


class NotFound(LayersError):  # noqa: N818
    """There is no such thing."""


class TooManyJobs(LayersError):  # noqa: N818
    """You have as many jobs waiting as one account may; cancel some, or wait."""


class Conflict(LayersError):  # noqa: N818
    """The request contradicts what is stored; ``faults`` name each thing it contradicts, where that helps."""

    def __init__(self, message: str | None = None, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class Stale(LayersError):  # noqa: N818
    """What is stored has changed since it was read."""


class FontMissing(LayersError):  # noqa: N818
    """No font with Chinese is installed, and a PDF must hold one: apt-get install fonts-noto-cjk, then restart. A Word report needs none."""
