"""What OGC API – Features says and asks, apart from its routes."""
