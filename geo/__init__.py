"""Pure computation on points, areas and streets: arrays and frames in and out."""
