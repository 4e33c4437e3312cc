"""What answers are made from, kept in memory for as long as it is right.

A *model* (an index of areas, a street network, …) is made from some layers and stays right until one of them
changes, so it is kept under those layers' versions and shared by every snapshot that has them. One with a
*patch* is brought up to a new revision in the background as soon as that arrives, from the older model and what
changed; until then whoever asks is answered in another way.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from layers import database
from layers.database import Session, sessionmaker

_log = structlog.get_logger(__name__)
_Model = TypeVar("_Model")
_Version = tuple[int, ...]
_Key = tuple[Hashable, _Version]

#: Models kept; the one least recently asked for goes first.
KEPT = 128
#: Versions kept of one model: the current one, and the one before, which a request may still be using.
VERSIONS_KEPT = 2


@dataclass(frozen=True, slots=True)
class Recipe(Generic[_Model]):
    """How a model is made.

    Parameters
    ----------
    name
        Tells apart everything that the model depends on, other than its layers.
    layers
        Layers it is made from.
    load
        Makes it at a revision: ``load(session, revision)``.
    patch
        Makes it from an older one: ``patch(session, older, since, revision)``, where the older one is right
        for the revision `since`. Must leave the older one as it is.
    most
        Models kept whose names begin with the same word: few, where whoever asks may make up a name.
    """

    name: Hashable
    layers: tuple[str, ...]
    load: Callable[[Session, int], _Model]
    patch: Callable[[Session, _Model, int, int], _Model] | None = None
    most: int = KEPT


class Models:
    """Models by name and version, each made once; several threads may ask at once."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Slot] = OrderedDict()
        self._renewed: dict[Hashable, Recipe[Any]] = {}
        self._current: Mapping[str, int] = {}
        self._awaited: set[_Key] = set()
        self._background: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Begin to make models in the background, one after the other."""
        with self._lock:
            self._awaited.clear()
            self._background = ThreadPoolExecutor(1, thread_name_prefix="models")

    def stop(self) -> None:
        """End it; what is being made is finished."""
        with self._lock:
            background, self._background = self._background, None
        if background is not None:
            background.shutdown(cancel_futures=True)

    def at_hand(self, recipe: Recipe[_Model], version: _Version) -> _Model | None:
        """Return a model that is kept; None if it would have to be made."""
        key = (recipe.name, version)
        slot = self._kept.get(key)
        if slot is None or not slot.made:
            return None
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
        found: _Model = slot.value
        return found

    def made(self, recipe: Recipe[_Model], version: _Version, revision: int) -> _Model:
        """Return a model, made now unless it is kept."""
        key = (recipe.name, version)
        with self._lock:
            slot = self._kept.setdefault(key, _Slot())
            self._kept.move_to_end(key)
        with slot.lock:
            if not slot.made:
                self._fill(key, slot, recipe, revision)
        found: _Model = slot.value
        return found

    def prepare(self, recipe: Recipe[Any], version: _Version, revision: int) -> None:
        """Have a model made in the background, unless it is kept or under way; nothing if that is not running."""
        key = (recipe.name, version)
        with self._lock:
            if self._background is None or key in self._awaited or key in self._kept:
                return
            self._awaited.add(key)
            self._background.submit(self._prepared, recipe, version, revision)

    def renew(self, versions: Mapping[str, int], revision: int) -> None:
        """Bring what has a patch up to a revision that took effect, in the background."""
        self._current = versions
        for recipe in list(self._renewed.values()):
            self.prepare(recipe, _version(recipe, versions), revision)

    def _prepared(self, recipe: Recipe[Any], version: _Version, revision: int) -> None:
        try:
            # Publications may come faster than models are made.
            if version == _version(recipe, self._current):
                self.made(recipe, version, revision)
        except Exception:  # noqa: BLE001 - whatever it was, the thread goes on
            # Nobody waits for it; whoever asks meanwhile gets an answer, or this error, in another way.
            _log.exception("a model could not be made", model=recipe.name, revision=revision)
        finally:
            with self._lock:
                self._awaited.discard((recipe.name, version))

    def _fill(self, key: _Key, slot: "_Slot", recipe: Recipe[Any], revision: int) -> None:
        try:
            with database.translated(), self._sessions() as session:
                slot.value = self._make(session, recipe, revision)
        except BaseException:
            with self._lock:
                self._kept.pop(key, None)
            raise
        slot.made = True
        with self._lock:
            self._keep(key, slot, recipe)

    def _make(self, session: Session, recipe: Recipe[Any], revision: int) -> Any:  # noqa: ANN401 - any model
        older = self._older(recipe.name, revision)
        if recipe.patch is None or older is None:
            return recipe.load(session, revision)
        since, model = older
        return recipe.patch(session, model, since, revision)

    def _older(self, name: Hashable, revision: int) -> tuple[int, Any] | None:
        """Return the newest model of an earlier revision, with the last revision that changed it."""
        with self._lock:
            earlier = [
                (max(version, default=0), slot.value)
                for (known, version), slot in self._kept.items()
                if known == name and slot.made and max(version, default=0) < revision
            ]
        return max(earlier, key=lambda pair: pair[0], default=None)

    def _keep(self, key: _Key, slot: "_Slot", recipe: Recipe[Any]) -> None:
        """Keep what was made; only now let go of others, for what cannot be made must displace nothing."""
        self._kept[key] = slot
        if recipe.patch is not None:
            self._renewed[recipe.name] = recipe
        current = (recipe.name, _version(recipe, self._current))
        versions = [kept for kept in self._kept if kept[0] == key[0] and self._kept[kept].made]
        for superseded in versions[:-VERSIONS_KEPT]:
            # Questions about the past must not displace what all others are answered from.
            if superseded != current:
                del self._kept[superseded]
        alike = [kept for kept in self._kept if _word(kept) == _word(key) and self._kept[kept].made]
        for beyond in alike[: -recipe.most]:
            del self._kept[beyond]
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _version(recipe: Recipe[Any], versions: Mapping[str, int]) -> _Version:
    return tuple([versions.get(layer, 0) for layer in recipe.layers])


def _word(key: _Key) -> Hashable:
    return key[0][0] if isinstance(key[0], tuple) else key[0]


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: bool = False
    value: Any = None
