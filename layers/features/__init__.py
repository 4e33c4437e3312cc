"""Features of published layers, as clients of OGC API – Features ask for them."""
