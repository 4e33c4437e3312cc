"""Grouping blocks: connected, even, and shares that sum to the whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.synthetic.areas import _Graph, _split
from geo.synthetic.compounds import shares_of


def lattice(columns: int, rows: int) -> _Graph:
    """Unit squares on paper, each of weight 1 and bound to its four neighbours by one metre."""
    number = np.arange(columns * rows).reshape(rows, columns)
    pairs = np.vstack(
        [
            np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
            np.column_stack([number[:-1].ravel(), number[1:].ravel()]),
        ]
    )
    next_to: list[list[tuple[int, float]]] = [[] for _ in range(columns * rows)]
    for left, right in pairs.tolist():
        next_to[left].append((right, 1.0))
        next_to[right].append((left, 1.0))
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    ones = np.ones(columns * rows)
    return _Graph(np.column_stack([x.ravel(), y.ravel()]).astype(float), ones, ones, next_to)


@given(st.integers(3, 9), st.integers(3, 9), st.integers(1, 9))
def test_groups_are_connected_and_none_is_empty(columns: int, rows: int, groups: int) -> None:
    graph = lattice(columns, rows)
    label = _split(graph, np.zeros(columns * rows, dtype=np.intp), groups)
    assert sorted(set(label.tolist())) == list(range(groups))
    inside = [(i, j) for i, around in enumerate(graph.next_to) for j, _ in around if label[i] == label[j]]
    first, second = np.array(inside, dtype=int).reshape(-1, 2).T
    joined = coo_array((np.ones(len(first)), (first, second)), shape=(len(label),) * 2)
    assert connected_components(joined, directed=False)[0] == groups


def test_a_square_halves_evenly() -> None:
    label = _split(lattice(6, 6), np.zeros(36, dtype=np.intp), 2)
    assert np.bincount(label).min() >= 15


@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 1000.0), min_size=1, max_size=40))
def test_shares_sum_to_the_whole_and_differ_from_the_exact_by_less_than_one(
    total: int, weights: list[float]
) -> None:
    weight = np.array(weights)
    parts = shares_of(total, weight)
    assert parts.sum() == total
    assert (np.abs(parts - total * weight / weight.sum()) < 1.0 + 1e-9).all()
