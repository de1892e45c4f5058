"""Names as they are searched: folded so that what sounds the same is written the same.

A word is folded, then cut into trigrams that lead from what was typed to words like it; how like
is a matter of letters to be changed (Damerau-Levenshtein, a swap of neighbours being one).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

LONGEST: Final = 80
"""Letters of a name that are searched."""

_SILENT: Final = frozenset("\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e4d\u0e4e\u0e3a")
"""Thai marks above or below that people leave out or put in another order: the tones, maitaikhu,
thanthakhat and the nikhahit, without which the one sign of sara am and its two are the same."""
_SAME: Final = str.maketrans(
    {
        "\u0e45": "\u0e32",  # lakkhangyao is written for aa
        "\u0e2f": None,  # paiyannoi
        "\u0e46": None,  # mai yamok
        **{chr(0x0E50 + digit): str(digit) for digit in range(10)},
    }
)
_SOUNDS: Final = str.maketrans("ณศษญฎฏฐธฑฒภฬฆฅฌฃใ", "นสสยดตถทททพลคคชขไ")
"""Letters of one sound at the front of a syllable → the plainest: people write what they hear."""
_RO_HAN: Final = re.compile(r"รร(?=[ก-ฮ])")
_RO_HAN_LAST: Final = re.compile(r"รร\b")
_NOT_WORD: Final = re.compile(r"[^\w\u0e00-\u0e7f]+|_")
_THAI: Final = re.compile(r"[\u0e00-\u0e7f]")
_REPEATED_MARK: Final = re.compile(r"([\u0e30-\u0e3a\u0e45\u0e47-\u0e4e])\1+")
_DEPENDENT: Final = re.compile(r"^[\u0e30-\u0e3a\u0e45]")

_TITLES: Final = (
    "เด็กหญิง", "เด็กชาย", "นางสาว", "ด.ช.", "ด.ญ.", "น.ส.", "นาย", "นาง", "คุณ", "ดร.",
    "ว่าที่ร้อยตรี", "ม.ร.ว.", "ม.ล.", "mister", "miss", "mrs", "mr", "ms", "dr",
)  # fmt: skip


def plain(text: str) -> str:
    """The text on one line without zero-width and bidi marks, controls and doubled spaces (NFC).

    For what is kept and shown; letters stay as they were written.
    """
    kept = "".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def fold(text: str) -> str:
    """The text as it is compared: case, width, tone marks, invisible marks and accents gone.

    Thai letters of one sound are one letter (พงษ์, พงศ์), วรรณ is วัน. Letters and digits remain,
    words parted by one space. Folding twice changes nothing.
    """
    text = unicodedata.normalize("NFKD", plain(text[: 4 * LONGEST])).casefold()
    text = unicodedata.normalize("NFKD", text)  # casefold may give what can be taken apart again
    kept = "".join(
        c
        for c in text
        if c not in _SILENT and (not unicodedata.combining(c) or "\u0e00" <= c <= "\u0e7f")
    )
    kept = kept.translate(_SAME).replace("เเ", "แ").translate(_SOUNDS)
    kept = _RO_HAN.sub("ั", _RO_HAN_LAST.sub("ัน", kept))
    return " ".join(_REPEATED_MARK.sub(r"\1", _NOT_WORD.sub(" ", kept)).split())[:LONGEST].strip()


_FOLDED_TITLES: Final = tuple(
    sorted({fold(t).replace(" ", "") for t in _TITLES}, key=len, reverse=True)
)


_SPACED_TITLES: Final = tuple(fold(t) + " " for t in _TITLES if " " in fold(t))


_LONGEST_TITLE: Final = max(map(len, _FOLDED_TITLES)) + 1


def without_title(word: str) -> str:
    """A folded word without the title at its front; a word that is all title is empty.

    A Thai title stands joined to the name; คุณากร is no title with ากร behind it, for no word
    begins with a vowel that hangs on the letter before.
    """
    for title in _FOLDED_TITLES:
        if word == title:
            return ""
        rest = word[len(title) :]
        if word.startswith(title) and _THAI.match(title) and not _DEPENDENT.match(rest):
            return rest
    return word


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The folded words of a name or of what is searched for, titles left out, in their order.

    Where nothing but titles is left, they are the words.
    """
    folded = _abbreviations(fold(name)).split()
    found = tuple(w for w in map(without_title, folded) if w)
    return found or tuple(folded)


def asked_words(text: str) -> tuple[tuple[str, ...], ...]:
    """The words searched for, each as read without a title and as typed: either may be meant."""
    folded = _abbreviations(fold(text)).split()
    found = [tuple(dict.fromkeys((bare, word))) for word in folded if (bare := without_title(word))]
    return tuple(found) or tuple((word,) for word in folded)


def _abbreviations(folded: str) -> str:
    """น.ส. and ด.ช. come out of `fold` as single letters: put together what was one title."""
    for short in _SPACED_TITLES:
        if folded.startswith(short):
            return folded[len(short) :]
    return folded


def indexed_words(name: str) -> frozenset[str]:
    """What a name is found by: each of its words, and all of them as one."""
    parts = words(name)
    return frozenset((*parts, "".join(parts)[:LONGEST])) if parts else frozenset()


_START, _END = "\x02", "\x03"
_SHORT: Final = 5
"""Below this many letters one slip may leave no inner trigram: first and last letters count too."""


def grams(word: str) -> frozenset[str]:
    """Every trigram of a word as it is indexed, its start and end marked, and its outer letters."""
    padded = f"{_START}{_START}{word}{_END}{_END}"
    return frozenset(padded[n : n + 3] for n in range(len(padded) - 2))


def asked_grams(word: str) -> frozenset[str]:
    """The trigrams by which words like this one are looked for.

    One letter wrong, missing, too many or two neighbours swapped still leave one of these in
    common, whatever the word of two letters or more.
    """
    every = grams(word)
    if len(word) < _SHORT:
        return every
    return frozenset(g for g in every if not g.startswith(_START * 2) and not g.endswith(_END * 2))


def tolerance(length: int) -> int:
    """Slips allowed in a word of so many letters."""
    if length <= 1:
        return 0
    if length <= _SHORT:
        return 1
    return 2 if length <= 10 else 3


@lru_cache(maxsize=65_536)
def likeness(asked: str, word: str) -> float:
    """How well a word answers what was asked for, both folded: 1 the same, 0 not at all.

    A word that begins with it (as one types) stands just below the same word; slips cost.
    """
    if asked == word:
        return 1.0
    allowed = tolerance(max(len(asked), min(len(word), len(asked) + 1)))
    if len(asked) >= 2 and word.startswith(asked):
        return 0.9 + 0.09 * len(asked) / len(word)
    slips = OSA.distance(asked, word, score_cutoff=allowed)
    if slips <= allowed and slips < max(len(asked), len(word)):
        return 0.9 - 0.8 * slips / max(len(asked), len(word))
    if len(asked) >= 3 and len(word) > len(asked):
        near = min(
            OSA.distance(asked, word[:cut], score_cutoff=1)
            for cut in range(len(asked) - 1, len(asked) + 2)
        )
        if near <= 1:
            return 0.6 - 0.8 / len(asked) * 0.5
    if len(asked) >= 4 and asked in word:
        return 0.5 + 0.3 * len(asked) / len(word)
    if len(word) >= 3 and len(word) < len(asked) <= len(word) + _LONGEST_TITLE:
        # a title with a slip in it, or a slip where it ends, stands before the name
        if asked.endswith(word):
            return 0.45
        tails = (asked[-cut:] for cut in range(len(word) - 1, len(word) + 2))
        if len(word) >= 4 and any(OSA.distance(t, word, score_cutoff=1) <= 1 for t in tails):
            return 0.3
    return 0.0
