import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakewright.ingest import json_values
from lakewright.ingest.json_values import InvalidError


def written(content: str) -> str | None:
    """A text with its blanks removed and every number as it was written, by another reader."""

    def distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    value = json.loads(
        content,
        parse_float=lambda digits: f"<{digits}>",
        parse_int=lambda digits: f"<{digits}>",
        object_pairs_hook=distinct,
    )
    return json.dumps(value, ensure_ascii=False)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    whole = draw(st.from_regex(r"-?(0|[1-9][0-9]{0,24})", fullmatch=True))
    rest = draw(st.from_regex(r"(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
    return whole + rest


STRINGS = st.text(st.sampled_from('a,:"\\ {}[]\n\u00e4\0\u2028😀'), max_size=8)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """JSON in anyone's style, keys of objects all different."""
    gap = st.sampled_from(["", "", " ", "\n  ", "\t", "\r\n"])

    def quoted(string: str) -> str:
        return json.dumps(string, ensure_ascii=draw(st.booleans()))

    def value(depth: int) -> str:
        kind = draw(st.sampled_from(["number", "string", "word", "object", "array"]))
        if kind == "number":
            return draw(numbers())
        if kind == "string" or depth > 2:
            return quoted(draw(STRINGS))
        if kind == "word":
            return draw(st.sampled_from(["true", "false", "null"]))
        inner = [value(depth + 1) for _ in range(draw(st.integers(0, 3)))]
        if kind == "object":
            keys = draw(st.lists(STRINGS, min_size=len(inner), max_size=len(inner), unique=True))
            inner = [
                quoted(key) + draw(gap) + ":" + draw(gap) + each
                for key, each in zip(keys, inner, strict=True)
            ]
        joined = (draw(gap) + "," + draw(gap)).join(inner)
        return f"{{{joined}}}" if kind == "object" else f"[{joined}]"

    return value(0)


@given(contents=st.lists(texts(), min_size=1, max_size=4))
@example(contents=["-0", "1.0", "1e5", "18446744073709551615", "18446744073709551616", "1E400"])
@example(contents=['{"a": ", \\"b\\": 1.10"}', '{"a, " : 1}', "1.1"])
@example(
    contents=['{"a":"\\u00e4\\\\\\"","b":1.0}', '{"a":"\\u00e4","b":1.5}', '["\\/1.10"]', "1.10"]
)
def test_texts_are_read_to_the_digit_one_by_one_and_together(contents: list[str]) -> None:
    parsed = json_values.parse([content.encode() for content in contents])
    assert not parsed.problems
    for content, value in zip(contents, parsed.values, strict=True):
        is_plain = type(value) is str or value is None
        again = json.dumps(value, ensure_ascii=False) if is_plain else json_values.text(value)
        assert written(str(again)) == written(content), (content, again)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ('{"a":1,"a":1}', "a"),
        ('{"a" : 1, "b": "x:y", "a"\n: 2}', "a"),
        ('{"a":1,"\\u0061":2}', "a"),
        ('[{"x":{"ä":1,"ä":[]}}]', "ä"),
    ],
)
def test_a_key_that_stands_twice_refuses_the_record(content: str, key: str) -> None:
    sound = [b'{"a":1}'] * 3
    parsed = json_values.parse([*sound, content.encode(), *sound])
    assert parsed.problems == {3: f'the key "{key}" stands twice'}


@pytest.mark.parametrize(
    "content", ['{"a":":\\":"}', '{"a\\":":1}', '{":":":","::":1.50}', '[{"a":1},{"a":2}]']
)
def test_a_key_that_stands_once_is_sound(content: str) -> None:
    assert not json_values.parse([content.encode()]).problems


@pytest.mark.parametrize(
    ("content", "byte", "reason"),
    [
        (b'{"\xc3\xa4":tru}', 6, "invalid literal"),
        (b'{"a":"\xff"}', 6, "byte 0xff is not UTF-8"),
        (b"", 0, "empty document"),
        (b"[NaN]", 1, "unexpected character"),
        (b"[1e400, NaN]", 1, "infinity"),
        (b'["\xc3\xa4", 1e400, }', 14, "expecting value"),
        (b'["\\ud800", 1e400]', 2, "surrogate"),
        (b"[" * 100_000, 1025, "depth limit"),
    ],
)
def test_what_is_no_json_names_the_byte(content: bytes, byte: int, reason: str) -> None:
    problem = json_values.parse([b"1", content]).problems[1]
    assert isinstance(problem, InvalidError)
    assert problem.byte == byte
    assert reason.lower() in problem.reason.lower()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[" * 300 + b"]" * 300, "nested more than 250 levels deep"),
        (b"[" + b"0," * json_values.RECORD_VALUES_MAX + b"0]", "more than 2,097,152 values"),
    ],
)
def test_what_no_table_can_hold_is_a_problem_of_the_record(content: bytes, reason: str) -> None:
    parsed = json_values.parse([b"1.50", content, b"2"])
    assert list(parsed.problems) == [1]
    assert reason in str(parsed.problems[1])
    assert [json_values.text(parsed.values[place]) for place in (0, 2)] == ["1.50", "2"]


def test_a_long_text_may_hold_as_many_commas_as_it_likes() -> None:
    content = b'"' + b",[{" * json_values.RECORD_VALUES_MAX + b'"'
    assert not json_values.parse([content]).problems


@pytest.mark.parametrize(
    ("contents", "problems"),
    [
        ([b"1.50"] * 40 + [b"NaN"], [40]),
        ([b"1.50"] * 40 + [b'{"x":"a', b'b"}', b"1,2"], [40, 41, 42]),
        ([b"1.50"] * 40 + [b'{"x":"\\ud800"}', b'{"x":"\\u00e4"}'], [40]),
        ([b"1.50"] * 40 + [b'{"a":1.10,"a":1.10}'], [40]),
        ([b"1.50"] * 40 + [b"-0", b"1e400", b"123456789012345678901", b'{"a": "\\"1.0"}'], []),
        ([b"1.50"] * 40 + [b"[" * 300 + b"]" * 300], [40]),
    ],
)
def test_where_most_numbers_need_their_digits_the_rest_is_read_alike(
    contents: list[bytes], problems: list[int]
) -> None:
    parsed = json_values.parse(contents)
    assert sorted(parsed.problems) == problems
    for content, value in zip(contents, parsed.values, strict=True):
        (alone,) = json_values.parse([content]).values
        assert json_values.text(value) == json_values.text(alone)


@given(contents=st.lists(texts(), min_size=1, max_size=4))
def test_texts_among_many_that_need_their_digits_are_read_as_they_are_alone(
    contents: list[str],
) -> None:
    many = [b"1.50"] * 40 + [content.encode() for content in contents]
    parsed = json_values.parse(many)
    assert not parsed.problems
    for content, value in zip(many, parsed.values, strict=True):
        (alone,) = json_values.parse([content]).values
        assert (type(value) is str, json_values.text(value)) == (
            type(alone) is str, json_values.text(alone)
        )  # fmt: skip
