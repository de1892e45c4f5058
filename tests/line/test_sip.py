"""SIP messages as the lab's telephones read and write them."""

from __future__ import annotations

from ivr.lab import sip

INVITE = (
    "INVITE sip:1001@127.12.1.101:5060 SIP/2.0\r\n"
    "v: SIP/2.0/UDP 127.12.1.1:5060;rport;branch=z9hG4bKPj1\r\n"
    'f: "สมชาย; ใจดี" <sip:0812345678@127.12.1.1>;tag=abc\r\n'
    "t: <sip:1001@127.12.1.101>\r\n"
    "Subject: folded\r\n over two lines\r\n"
    "i: id@x\r\nCSeq: 7 INVITE\r\nm: <sip:asterisk@127.12.1.1:5060>\r\n"
    "Content-Length: 3\r\n\r\nv=0"
).encode()


def test_a_request_in_compact_form_is_read() -> None:
    message = sip.parse(INVITE)
    assert message is not None
    assert (message.method, message.status, message.branch) == ("INVITE", 0, "z9hG4bKPj1")
    assert sip.user_of(message.first("From")) == "0812345678"
    assert sip.parameter(message.first("from"), "tag") == "abc"
    assert message.first("Subject") == "folded over two lines"
    assert sip.address_uri(message.first("Contact")) == "sip:asterisk@127.12.1.1:5060"
    assert message.body == b"v=0"


def test_a_response_copies_what_it_must() -> None:
    request = sip.parse(INVITE)
    assert request is not None
    ringing = sip.parse(sip.response(request, 180, tag="ours").encode())
    assert ringing is not None
    assert (ringing.status, ringing.method) == (180, "INVITE")
    assert ringing.all("Via") == request.all("Via")
    assert sip.parameter(ringing.first("To"), "tag") == "ours"


def test_what_is_no_sip_is_nothing() -> None:
    assert sip.parse(b"\r\n\r\n") is None
    assert sip.parse(b"\x00\xff" * 20) is None


def test_a_challenge_is_answered_as_the_rfc_has_it() -> None:
    answer = sip.authorization(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
        method="GET",
        uri="/dir/index.html",
        username="Mufasa",
        password="Circle Of Life",
    )
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in answer  # RFC 2069's example, corrected
    with_qop = sip.authorization(
        'Digest realm="r", nonce="n", qop="auth", opaque="o"',
        method="REGISTER",
        uri="sip:x",
        username="u",
        password="p",
    )
    assert "qop=auth, nc=00000001" in with_qop
    assert 'opaque="o"' in with_qop
