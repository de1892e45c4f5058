"""FastAGI in any pieces, and commands that Asterisk reads back word for word."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.selfservice.agi import (
    COMMAND_MOST,
    LINE_MOST,
    LINES_MOST,
    AgiFault,
    Framer,
    HungUp,
    Reply,
    Request,
    UnsafeCommand,
    command,
)

HEAD = (
    b"agi_network: yes\nagi_network_script: status\nagi_request: agi://127.0.0.1:4573/status\n"
    b"agi_channel: PJSIP/trunk-00000000\nagi_language: th\nagi_callerid: 0812345678\n"
    + "agi_calleridname: สมชาย: ใจดี\n".encode()
    + b"agi_enhanced: 0.0\nagi_accountcode: \n\n"
)
USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\nSend the given file.\n\n"
    b"200 result=1\n520 End of proper usage.\n"
)
SAID = {
    b"200 result=0\n": Reply(200, "0"),
    b"200 result=1\r\n": Reply(200, "1"),
    b"200 result=-1 endpos=0\n": Reply(200, "-1", text="endpos=0"),
    b"200 result=690000012\n": Reply(200, "690000012"),
    b"200 result=12 (timeout)\n": Reply(200, "12", "timeout"),
    b"200 result= (timeout)\n": Reply(200, "", "timeout"),
    b"200 result=\n": Reply(200),
    b"200 result=1 (a (b) c)\n": Reply(200, "1", "a (b) c"),
    b"200 result=48 endpos=2400\n": Reply(200, "48", text="endpos=2400"),
    b"100 result=0 Trying...\n": Reply(100, "0", text="Trying..."),
    b"510 Invalid or unknown command\n": Reply(510, text="Invalid or unknown command"),
    b"511 Command Not Permitted on a dead channel or intercept routine\n": Reply(
        511, text="Command Not Permitted on a dead channel or intercept routine"
    ),
    b"520 Invalid command syntax.  Proper usage not available.\n": Reply(
        520, text="Invalid command syntax.  Proper usage not available."
    ),
    b"HANGUP\n": HungUp(),
}
# what stands between the first line of several and the last is told as it is
SAID[USAGE] = Reply(520, text=USAGE[4:-1].decode())


def one_by_one(data: bytes) -> list[object]:
    framer = Framer()
    return [event for i in range(len(data)) for event in framer.feed(data[i : i + 1])]


def test_the_request_byte_by_byte():
    (request,) = one_by_one(HEAD)
    assert isinstance(request, Request)
    assert request.get("network_script") == "status"
    assert request.get("calleridname") == "สมชาย: ใจดี"
    assert request.get("accountcode") == request.get("nothing") == ""


@pytest.mark.parametrize(("data", "reply"), SAID.items(), ids=lambda v: str(v)[:30])
def test_every_reply_byte_by_byte(data, reply):
    assert one_by_one(HEAD + data)[1:] == [reply]


@given(st.lists(st.sampled_from(sorted(SAID)), max_size=8), st.randoms())
def test_the_pieces_do_not_matter(parts, chance):
    data = HEAD + b"".join(parts)
    framer, found, at = Framer(), [], 0
    while at < len(data):
        size = chance.randint(1, 60)
        found += framer.feed(data[at : at + size])
        at += size
    assert found[1:] == [SAID[part] for part in parts]


def test_a_caller_is_gone_by_minus_one_and_on_a_dead_channel():
    gone = {reply for reply in SAID.values() if isinstance(reply, Reply) and reply.gone}
    assert {(reply.code, reply.result) for reply in gone} == {(200, "-1"), (511, "")}


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\n",
        b"agi_network yes\n",
        HEAD + b"result=1\n",
        HEAD + b"20\n",
        HEAD + b"2000 result=1\n",
        HEAD + "๒๐๐ result=1\n".encode(),
        HEAD + HEAD,
    ],
)
def test_what_is_no_fastagi_is_a_fault(data):
    with pytest.raises(AgiFault):
        one_by_one(data)


@pytest.mark.parametrize(
    "data",
    [
        b"a" * (LINE_MOST + 1),
        b"agi_a: " + b"b" * LINE_MOST + b"\n",
        b"".join(b"agi_%d: 1\n" % n for n in range(LINES_MOST + 1)),
        HEAD + b"9" * (LINE_MOST + 1),
        HEAD + b"520-Usage\n" + b"x\n" * (LINES_MOST + 1),
    ],
)
def test_nothing_grows_without_bound(data):
    with pytest.raises(AgiFault, match="more than"):
        Framer().feed(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_events_or_a_fault(data):
    with contextlib.suppress(AgiFault):
        assert all(isinstance(e, Request | Reply | HungUp) for e in Framer().feed(HEAD + data))


def read_as_asterisk_does(line: bytes) -> list[str]:
    """parse_args of res_agi.c, in short: quotes group, a backslash takes the next sign as it is."""
    text = line.decode().removesuffix("\n")
    words: list[str] = []
    current: str | None = None
    quoted = escaped = False
    for sign in text:
        if escaped:
            current, escaped = (current or "") + sign, False
        elif sign == "\\":
            current, escaped = current or "", True
        elif sign == '"':
            quoted, current = not quoted, current or ""
        elif sign in " \t" and not quoted:
            if current is not None:
                words.append(current)
            current = None
        else:
            current = (current or "") + sign
    return words if current is None else [*words, current]


PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@given(st.lists(PLAIN, max_size=5))
def test_words_come_to_asterisk_as_they_are(words):
    line = command("SET VARIABLE", *words)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert read_as_asterisk_does(line) == ["SET", "VARIABLE", *words]


@pytest.mark.parametrize("word", ["a\nHANGUP", "a\rb", "a\0b", "a\x1bb", "a\x7f"])
def test_a_word_cannot_end_the_line(word):
    with pytest.raises(UnsafeCommand):
        command("SET VARIABLE", "A", word)


@pytest.mark.parametrize("verb", ["", "set", "SET  VARIABLE", "SET\nVERBOSE", 'EXEC "'])
def test_a_verb_is_capitals(verb):
    with pytest.raises(UnsafeCommand):
        command(verb, "a")


def test_a_command_is_no_longer_than_asterisk_reads():
    assert len(command("EXEC", "x" * (COMMAND_MOST - 8))) == COMMAND_MOST
    with pytest.raises(UnsafeCommand, match="more than"):
        command("EXEC", "x" * (COMMAND_MOST - 7))
