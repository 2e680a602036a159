"""In which order tables can be built, and which of them need each other in a circle."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Every name, those that it needs first; equal needs give an equal order."""

    names: tuple[str, ...]
    """Without the members of circles."""
    cycles: tuple[tuple[str, ...], ...]
    """Circles: each name needs the next one, and the last one the first."""


def sort(needs: Mapping[str, AbstractSet[str]]) -> Order:
    """Order names by what each needs. Needs that are no name here count as there already."""
    left = {name: {need for need in wanted if need in needs} for name, wanted in needs.items()}
    names: list[str] = []
    cycles: list[tuple[str, ...]] = []
    while left:
        names += _take_free(left)
        if left:
            cycle = _cycle(left)
            cycles.append(cycle)
            _drop(left, cycle)
    return Order(names=tuple(names), cycles=tuple(cycles))


def _take_free(left: dict[str, set[str]]) -> list[str]:
    """Take out, in order, every name that needs nothing that is left."""
    needed_by: dict[str, list[str]] = {}
    for name, wanted in left.items():
        for need in wanted:
            needed_by.setdefault(need, []).append(name)
    free = [name for name, wanted in left.items() if not wanted]
    heapify(free)
    taken: list[str] = []
    while free:
        name = heappop(free)
        taken.append(name)
        del left[name]
        for other in needed_by.get(name, ()):
            left[other].discard(name)
            if not left[other]:
                heappush(free, other)
    return taken


def _cycle(left: Mapping[str, AbstractSet[str]]) -> tuple[str, ...]:
    """One circle among names that all need another one; it starts with its smallest name."""
    path = [min(left)]
    while True:
        following = min(left[path[-1]])
        if following in path:
            circle = path[path.index(following) :]
            start = circle.index(min(circle))
            return tuple(circle[start:] + circle[:start])
        path.append(following)


def _drop(left: dict[str, set[str]], names: tuple[str, ...]) -> None:
    for name in names:
        del left[name]
    for wanted in left.values():
        wanted.difference_update(names)
