"""Functions of text. A character is a Unicode code point; order and equality are those of bytes."""

from lakewright.sql.function import scalar
from lakewright.sql.signature import way

# Spark counts from 1, from the end below 0, takes 0 for 1, and cuts a length that starts before
# the text; DuckDB's own substring does neither of the last two.
_START = "(CASE WHEN {1} > 0 THEN {1} - 1 WHEN {1} < 0 THEN length({0}) + {1} ELSE 0 END)"
_SUBSTRING = (
    "(CASE WHEN {2} <= 0 THEN (CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN '' END) ELSE"
    f" substring({{0}}, greatest({_START}, 0) + 1,"
    f" greatest(least({_START} + CAST({{2}} AS BIGINT), 2147483647) - greatest({_START}, 0), 0)) END)"
)
_SUBSTRING_REST = f"substring({{0}}, greatest({_START}, 0) + 1)"

FUNCTIONS = (
    scalar(
        way("length(string) -> int", "CAST(length({0}) AS INTEGER)"),
        aliases=("char_length", "character_length", "len"),
        note="In characters.",
    ),
    scalar(way("octet_length(string) -> int", "CAST(strlen({0}) AS INTEGER)"), note="In bytes."),
    scalar(way("upper(string) -> string", "upper({0})"), aliases=("ucase",)),
    scalar(way("lower(string) -> string", "lower({0})"), aliases=("lcase",)),
    scalar(
        way("trim(string) -> string", "trim({0}, ' ')"), note="Spaces only, no other white space."
    ),
    scalar(way("ltrim(string) -> string", "ltrim({0}, ' ')"), note="Spaces only."),
    scalar(way("rtrim(string) -> string", "rtrim({0}, ' ')"), note="Spaces only."),
    scalar(
        way("btrim(string) -> string", "trim({0}, ' ')"),
        way("btrim(string, string) -> string", "trim({0}, {1})"),
        note="The second argument's characters, at both ends.",
    ),
    scalar(
        way("substring(string, int) -> string", _SUBSTRING_REST),
        way("substring(string, int, int) -> string", _SUBSTRING),
        aliases=("substr",),
        note="From 1; from the end below 0.",
    ),
    scalar(
        way("left(string, int) -> string", "left({0}, greatest({1}, 0))"),
    ),
    scalar(
        way("right(string, int) -> string", "right({0}, greatest({1}, 0))"),
    ),
    scalar(
        way("concat(string...) -> string", lambda a: "(" + " || ".join(x.text for x in a) + ")"),
        note="Null where any argument is null.",
    ),
    scalar(
        way("concat_ws(string, string...) -> string", "concat_ws({all})"),
        note="The first is the separator; nulls are passed over.",
    ),
    scalar(way("replace(string, string, string) -> string", "replace({0}, {1}, {2})")),
    scalar(way("translate(string, string, string) -> string", "translate({0}, {1}, {2})")),
    scalar(way("repeat(string, int) -> string", "repeat({0}, greatest({1}, 0))")),
    scalar(way("reverse(string) -> string", "reverse({0})")),
    scalar(way("lpad(string, int, string) -> string", "lpad({0}, greatest({1}, 0), {2})")),
    scalar(way("rpad(string, int, string) -> string", "rpad({0}, greatest({1}, 0), {2})")),
    scalar(
        way("instr(string, string) -> int", "CAST(instr({0}, {1}) AS INTEGER)"),
        note="0 where the second does not occur in the first.",
    ),
    scalar(
        way("locate(string, string) -> int", "CAST(instr({1}, {0}) AS INTEGER)"),
        aliases=("position",),
        note="Where the first occurs in the second; 0: nowhere.",
    ),
    scalar(way("startswith(string, string) -> boolean", "starts_with({0}, {1})")),
    scalar(way("endswith(string, string) -> boolean", "ends_with({0}, {1})")),
    scalar(way("contains(string, string) -> boolean", "contains({0}, {1})")),
    scalar(
        way("split_part(string, string, int) -> string", "split_part({0}, {1}, {2})"),
        note="The separator is plain text.",
    ),
    scalar(way("ascii(string) -> int", "(CASE WHEN {0} = '' THEN 0 ELSE unicode({0}) END)")),
    scalar(way("char(bigint) -> string", "chr(CAST({0} % 256 AS INTEGER))"), aliases=("chr",)),
    scalar(way("md5(string) -> string", "md5({0})")),
    scalar(way("sha1(string) -> string", "sha1({0})"), aliases=("sha",)),
    scalar(way("sha2(string, #bits) -> string", "sha256({0})")),
    scalar(way("hex(string) -> string", "hex({0})")),
    scalar(way("space(int) -> string", "repeat(' ', greatest({0}, 0))")),
    scalar(way("levenshtein(string, string) -> int", "CAST(levenshtein({0}, {1}) AS INTEGER)")),
)
