"""Streets on foot: a network, and what is reached along it.

Open :mod:`geo.streets.network` and :mod:`geo.streets.reach` first; a search sees streets as chains
(:mod:`geo.streets.chains`) and is compiled (:mod:`geo.streets.search`). A walk is drawn by
:mod:`geo.streets.drawing`, for the screen only: figures come from street times.
"""
