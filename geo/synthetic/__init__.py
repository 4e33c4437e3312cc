"""The demo city: an invented district, made from a seed.

Nothing in it exists: the city 示例市望格区 (虚构), its streets, homes, people and incidents are all drawn from
random numbers, in the proportions that a real district published. :func:`geo.synthetic.city.city` makes it.
"""

from geo.synthetic.city import City, city

__all__ = ["City", "city"]
