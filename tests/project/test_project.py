import pytest

from lakewright.errors import NotFound, UsageError
from lakewright.project.project import Project
from lakewright.project.source import Source

PROJECT = Project(
    name="shop",
    sources={
        "orders": Source(name="orders", match=("orders*.csv",)),
        "late": Source(name="late", match=("*_late.csv",)),
    },
)


def test_a_file_belongs_to_the_source_whose_pattern_it_matches() -> None:
    assert PROJECT.source_for("orders_1.csv") == PROJECT.source("orders")
    assert PROJECT.source_for("customers.csv") is None
    assert PROJECT.source_for("Orders_1.csv") is None


def test_a_file_that_two_sources_claim_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        PROJECT.source_for("orders_late.csv")
    assert "`orders` and `late`" in refused.value.why
    assert "--source orders" in refused.value.hint


def test_a_name_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound) as refused:
        PROJECT.source("order")
    assert refused.value.hint == "did you mean `orders`?"
    with pytest.raises(NotFound) as refused:
        PROJECT.model("silver.orders")
    assert refused.value.why == "the project has no models"
    with pytest.raises(NotFound, match="no environment `prod`"):
        PROJECT.environment("prod")
    assert PROJECT.environment().storage == ".lakewright"
