"""Do areas tile their parents: overlaps, gaps, slivers, unmatched borders, duplicates, and what leaves its parent.

:func:`check` looks at all areas of a layer, :func:`check_near` at those whose defects a change can alter. "No gap" takes
more than one look: the union of the children is compared with the parent both ways, its holes are listed, and where
there is no parent narrow slits that open to the outside are found by coverage validation. Topology is decided in the
coordinates as stored (EPSG:4326), sizes are measured in the metric CRS.

:mod:`geo.partition.seals` tells which parents need no closer look, :mod:`geo.partition.meeting` finds defects between
areas, :mod:`geo.partition.gaps` and :mod:`geo.partition.leaving` those against parents.
"""

from geo.partition.checking import check
from geo.partition.measures import TOLERANCE_M
from geo.partition.neighbourhood import Touched, check_near, touched

__all__ = ["TOLERANCE_M", "Touched", "check", "check_near", "touched"]
