from hypothesis import given
from hypothesis import strategies as st

from lakewright.project import order

NAMES = "abcdefg"
NEEDS = st.dictionaries(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES), max_size=3))


def test_equal_needs_are_ordered_by_name() -> None:
    found = order.sort({"c": set(), "a": set(), "b": {"z"}})
    assert found == order.Order(names=("a", "b", "c"), cycles=())


def test_every_circle_is_found_once() -> None:
    needs = {"a": {"b"}, "b": {"a"}, "c": {"c"}, "d": {"a", "c"}, "e": set()}
    assert order.sort(needs) == order.Order(names=("e", "d"), cycles=(("a", "b"), ("c",)))


@given(NEEDS)
def test_names_come_after_what_they_need_and_circles_are_circles(
    needs: dict[str, frozenset[str]],
) -> None:
    found = order.sort(needs)
    in_cycles = [name for cycle in found.cycles for name in cycle]
    assert sorted([*found.names, *in_cycles]) == sorted(needs)
    for position, name in enumerate(found.names):
        assert needs[name] & needs.keys() - set(in_cycles) <= set(found.names[:position])
    for cycle in found.cycles:
        for name, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert following in needs[name]


def test_a_chain_of_thousands_is_ordered() -> None:
    needs = {f"m{number:05}": {f"m{number + 1:05}"} for number in range(5000)}
    assert order.sort(needs).names[0] == "m04999"
