"""Places from words: what a caller says becomes ranked candidates, each with its grid."""

from layers.search.coordinates import Pasted
from layers.search.finding import LIMIT, Hit, confident, find
from layers.search.pasted import Reading, readings
from layers.search.phrases import parse

__all__ = ["LIMIT", "Hit", "Pasted", "Reading", "confident", "find", "parse", "readings"]
