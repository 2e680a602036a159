"""Hashes and encodings: of texts as UTF-8, and of bytes."""

from collections.abc import Callable, Sequence

from lakewright.sql.function import scalar
from lakewright.sql.lambdas import let
from lakewright.sql.signature import way
from lakewright.sql.term import Term

_POLYNOMIAL = 0xEDB88320  # Of CRC-32 as in zlib and Java, lowest bit first.


def _table() -> list[int]:
    """What each byte does to a CRC-32."""
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return found


def _checksum(arguments: Sequence[Term]) -> str:
    digits = f"hex({arguments[0].text})"
    listed = f"CAST([{', '.join(map(str, _table()))}] AS BIGINT[])"

    def folded(x: str) -> str:
        count = f"length({x}) // 2"
        byte = f"CAST('0x' || substr({x}, 2 * \"our i\" + 1, 2) AS BIGINT)"
        bytes_of = f'list_transform(range({count}), lambda "our i": {byte})'
        step = f'xor("our a" >> 8, {listed}[(xor("our a", "our e") & 255) + 1])'
        return (
            f'xor(list_reduce({bytes_of}, lambda "our a", "our e": {step},'
            " CAST(4294967295 AS BIGINT)), 4294967295)"
        )

    return f"(CASE WHEN {arguments[0].text} IS NOT NULL THEN {let(digits, folded)} END)"


def _sha2(arguments: Sequence[Term]) -> str:
    if arguments[1].value not in (0, 256):
        raise ValueError("only 256 bits are portable")
    return f"sha256({arguments[0].text})"


def _in_utf8(verb: str) -> Callable[[Sequence[Term]], str]:
    def write(arguments: Sequence[Term]) -> str:
        if str(arguments[1].value).lower() not in ("utf-8", "utf8"):
            raise ValueError("the one portable encoding is 'UTF-8'")
        return f"{verb}({arguments[0].text})"

    return write


_LINE_LENGTH = 76
_NEWLINE = "chr(13) || chr(10)"


def _in_lines(x: str) -> str:
    def lines(written: str) -> str:
        count = f"(length({written}) + {_LINE_LENGTH - 1}) // {_LINE_LENGTH}"
        line = f'substr({written}, "our i" * {_LINE_LENGTH} + 1, {_LINE_LENGTH})'
        listed = f'list_transform(range({count}), lambda "our i": {line})'
        joined = f"array_to_string({listed}, {_NEWLINE})"
        return f"CASE WHEN length({written}) <= {_LINE_LENGTH} THEN {written} ELSE {joined} END"

    return let(f"to_base64({x})", lines)


_UNHEX = (
    "(CASE WHEN regexp_full_match({0}, '[0-9a-fA-F]*')"
    " THEN unhex(CASE WHEN length({0}) % 2 = 1 THEN '0' || {0} ELSE {0} END) END)"
)
_UNBASE64 = (
    "(CASE WHEN regexp_full_match(replace({0}, chr(13) || chr(10), ''),"
    " '([A-Za-z0-9+/]{{4}})*([A-Za-z0-9+/]{{2}}==|[A-Za-z0-9+/]{{3}}=)?')"
    " THEN from_base64(replace({0}, chr(13) || chr(10), ''))"
    " WHEN {0} IS NOT NULL THEN error('this text is not base64 to the letter: ' || {0}) END)"
)

FUNCTIONS = (
    scalar(way("md5(string) -> string", "md5({0})"), way("md5(binary) -> string", "md5({0})")),
    scalar(
        way("sha1(string) -> string", "sha1({0})"),
        way("sha1(binary) -> string", "sha1({0})"),
        aliases=("sha",),
    ),
    scalar(
        way("sha2(string, #bits) -> string", _sha2),
        way("sha2(binary, #bits) -> string", _sha2),
        note="256 bits only.",
    ),
    scalar(
        way("crc32(string) -> bigint", _checksum),
        way("crc32(binary) -> bigint", _checksum),
    ),
    scalar(
        way("hex(string) -> string", "hex({0})"),
        way("hex(binary) -> string", "hex({0})"),
        way("hex(bigint) -> string", "hex(CAST({0} AS BIGINT))"),
        note="Of its bytes; of a number without leading zeros.",
    ),
    scalar(way("unhex(string) -> binary", _UNHEX), note="Null for what is not hexadecimal."),
    scalar(way("bin(bigint) -> string", "bin({0})")),
    scalar(
        way("base64(string) -> string", lambda given: _in_lines(f"encode({given[0].text})")),
        way("base64(binary) -> string", lambda given: _in_lines(given[0].text)),
        note="In lines of 76 characters, as MIME has it.",
    ),
    scalar(
        way("unbase64(string) -> binary", _UNBASE64),
        note="A text that is not base64 to the letter stops the query.",
    ),
    scalar(way("encode(string, 'UTF-8') -> binary", _in_utf8("encode"))),
    scalar(way("decode(binary, 'UTF-8') -> string", _in_utf8("decode"))),
)
