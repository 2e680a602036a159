"""Functions that portable SQL leaves out on purpose, each with the reason and the way out."""

from lakewright.sql.function import RefusedFunction

_CLOCK = "its answer depends on when the query runs, so a rebuild would give another table"
_ORDER = "its answer depends on the order in which rows are read"

_OF_CLOCK = RefusedFunction(
    names=(
        "current_date",
        "curdate",
        "current_timestamp",
        "now",
        "localtimestamp",
        "unix_timestamp",
        "current_time",
    ),
    why=_CLOCK,
    hint="use a column such as _loaded_at",
)
CLOCK_NAMES = dict.fromkeys(_OF_CLOCK.names, _OF_CLOCK)
"""Those that may stand without parentheses, and look like columns then, among them."""

REFUSED = (
    _OF_CLOCK,
    RefusedFunction(names=("rand", "random", "randn", "uuid", "shuffle",
                           "monotonically_increasing_id"),
                    why="its answer is another one each time"),
    RefusedFunction(
        names=("current_user", "user", "session_user", "current_database", "current_schema",
               "version", "input_file_name"),
        why="its answer depends on who asks and where",
    ),
    RefusedFunction(
        names=("first", "last", "any_value"),
        why=_ORDER,
        hint="use min or max, or first_value(...) OVER (... ORDER BY ...)",
    ),
    RefusedFunction(names=("collect_list", "array_agg", "collect_set", "listagg", "string_agg"),
                    why=_ORDER),
    RefusedFunction(names=("max_by", "min_by", "mode"), why="ties are broken at random",
                    hint="number the rows with row_number() and keep the first"),
    RefusedFunction(names=("approx_count_distinct", "approx_percentile", "percentile_approx"),
                    why="each engine approximates in its own way",
                    hint="use count(DISTINCT x) or percentile"),
    RefusedFunction(names=("hash", "xxhash64"),
                    why="each engine hashes in its own way", hint="use crc32, md5 or sha2"),
    RefusedFunction(names=("months_between",), why="Spark's fractions of months are its own",
                    hint="count days with datediff, or months from year() and month()"),
    RefusedFunction(names=("bround",), why="no engine but Spark rounds so", hint="use round"),
    RefusedFunction(names=("grouping",), why="its type, tinyint, is none that tables have",
                    hint="use grouping_id()"),
)  # fmt: skip
