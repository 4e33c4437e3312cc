"""Places from words: what a caller says becomes ranked candidates, each with its grid."""

from layers.search.coordinates import Pasted
from layers.search.coordinates import pasted as coordinates
from layers.search.finding import LIMIT, Hit, confident, find
from layers.search.pasted import Reading, readings

__all__ = ["LIMIT", "Hit", "Pasted", "Reading", "confident", "coordinates", "find", "readings"]
