"""What a browser gets: pages, styles, scripts and the browser packages, all from this machine."""
