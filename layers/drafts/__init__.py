"""Drafts: layers as they may become, changed step by step, and published as one revision."""
