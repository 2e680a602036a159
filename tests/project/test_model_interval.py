import pytest

SELECT = "SELECT ordered_at FROM bronze.orders"
BY_DAY = (
    f"{SELECT} WHERE ordered_at >= CAST(:interval_start AS TIMESTAMP_NTZ)"
    " AND ordered_at < CAST(:interval_end AS TIMESTAMP_NTZ)"
)

REFUSED = [
    (f"/*\ninterval: «week(ordered_at)»\n*/ {BY_DAY}\n", "wrong-value", "no partition transform"),
    (
        f"/*\ninterval: «year(ordered_at)»\n*/ {BY_DAY}\n",
        "wrong-value",
        "hour(column), day(column)",
    ),
    (f"/*\ninterval: «day(sold_at)»\n*/ {BY_DAY}\n", "unknown-column", "there is no column"),
    (f"/*\n«interval»: day(ordered_at)\n*/ {SELECT}\n", "conflicting-keys", ":interval_start"),
    (
        f"/*\ninterval: day(ordered_at)\nwrite: «append»\n*/ {BY_DAY}\n",
        "conflicting-keys",
        "does not go with `interval`",
    ),
    (
        f"{SELECT} WHERE CAST(ordered_at AS TIMESTAMP) > «:interval_start»\n",
        "conflicting-keys",
        "needs `interval`",
    ),
]


@pytest.mark.parametrize(("text", "code", "words"), REFUSED)
def test_a_mistake_in_a_model_by_intervals_is_told_at_its_place(
    check_refusal: object, text: str, code: str, words: str
) -> None:
    assert callable(check_refusal)
    check_refusal({"models/gold/daily.sql": text}, code, words)
