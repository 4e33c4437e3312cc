"""Offline folium pages and printed maps made from frames."""
