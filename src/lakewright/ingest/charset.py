"""Guess the encoding of text that is neither UTF-8 nor marked: the door to `charset_normalizer`.

It judges how much each decoding looks like a language. Only words with bytes beyond ASCII are shown
to it: the rest is the same in every encoding, and drowns what tells. Where Windows-1252 does as
well as another one, it is taken, as it is by far the most common.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from charset_normalizer import CharsetMatch, from_bytes

WESTERN = "cp1252"

_CANDIDATES = (
    WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r",
    "shift_jis", "gb18030", "big5", "euc_kr", "euc_jp",
)  # fmt: skip
_WORDS_ENOUGH = 2000
_TELLING_BYTES_MIN = 8  # Fewer fit a language by chance.
_MARGIN_MIN = 0.05
_CONFIDENCE_OF_A_TIE = 0.8
_CONFIDENCE_OF_FEW = 0.4
_SYMBOL = re.compile(
    r"[^\W\d_](?![’‘“”–—…«»®™©°€])[^\x00-\x7f\w]|(?![’‘“”–—…«»®™©°€§])[^\x00-\x7f\w][^\W\d_]|[^\W\d_][²³¹]"
)
"""A symbol beside a letter, as no language has it: the trace of a wrong decoding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """An encoding that text may have."""

    name: str
    """A Python codec."""
    confidence: float
    """From 0 to 1."""


def guess(text: bytes) -> Guess:
    """The likeliest encoding of text that is no UTF-8.

    Args:
        text: lines of it, with whole words; some kilobytes are enough.
    """
    found = re.findall(rb"[^\s,;|\"]*[\x80-\xff][^,;|\"\r\n\t]*", text)
    words = b"\n".join(list(dict.fromkeys(found))[:_WORDS_ENOUGH])
    matches = from_bytes(
        words, cp_isolation=list(_CANDIDATES), chunk_size=512, preemptive_behaviour=False
    )
    scored = sorted(((_score(each), each) for each in matches), key=lambda pair: -pair[0])
    if not scored:
        return Guess(name=WESTERN, confidence=_CONFIDENCE_OF_FEW)
    score, best = scored[0]
    rival = _best_other(scored, str(best))
    if WESTERN not in (best.encoding, *best.could_be_from_charset):
        western = [each for each, match in scored if match.encoding == WESTERN]
        if western and score - western[0] < _MARGIN_MIN:
            return Guess(name=WESTERN, confidence=_CONFIDENCE_OF_A_TIE)
    name = WESTERN if WESTERN in best.could_be_from_charset else best.encoding
    is_little = sum(byte >= 0x80 for byte in words) < _TELLING_BYTES_MIN
    if name != WESTERN and is_little:
        return Guess(name=name, confidence=_CONFIDENCE_OF_FEW)
    margin = 1.0 if rival is None else score - rival
    if name != WESTERN and margin < _MARGIN_MIN:
        return Guess(name=name, confidence=_CONFIDENCE_OF_FEW)
    return Guess(name=name, confidence=round(min(1.0, _CONFIDENCE_OF_A_TIE + max(margin, 0)), 2))


def _score(match: CharsetMatch) -> float:
    words = str(match).split("\n")
    spoilt = sum(_SYMBOL.search(word) is not None for word in words) / max(len(words), 1)
    return match.coherence - match.chaos - spoilt


def _best_other(scored: Sequence[tuple[float, CharsetMatch]], text: str) -> float | None:
    """The best score of a decoding that gives another text."""
    return next((score for score, match in scored if str(match) != text), None)
