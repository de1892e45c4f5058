"""A stand-in for the ministry's sign-in: a small, strict OpenID Connect provider on loopback.

It is a stand-in, not the ministry's: but it listens on a real socket, signs real RS256 tokens, and
refuses what a strict provider refuses (an unregistered address to send back to, a code used twice,
a wrong secret, a verifier that is not the challenge's). A test says who signs in, and what is
wrong with the token.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.ports import free_port

CLIENT = "hotline"
SECRET = "agreed-with-the-provider"


@dataclass
class StandIn:
    """The provider; what it does wrong is set by the test."""

    port: int
    redirect: str
    person: dict[str, Any] = field(default_factory=dict)
    """The claims of whoever signs in; `None` removes one of the usual."""
    now: int = 0
    alg: str = "RS256"
    nonce: str | None = None
    down: bool = False
    refuses: bool = False
    token_at: str = ""
    """Where its description says tokens are given, if not at itself."""
    asked: list[str] = field(default_factory=list)
    shown: int = 0
    """How often the secret was sent, right or wrong."""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def roll(self) -> None:
        """Signs with a new key from now on."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def about() -> Response:
            self.asked.append("about")
            if self.down:
                return JSONResponse({}, 503)
            return JSONResponse(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": self.token_at or f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                }
            )

        @app.get("/keys")
        async def keys() -> dict[str, Any]:
            self.asked.append("keys")
            return {"keys": [self.key.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]}

        @app.get("/authorize")
        async def authorize(request: Request) -> Response:
            asked = dict(request.query_params)
            fine = (
                asked.get("response_type") == "code"
                and asked.get("client_id") == CLIENT
                and asked.get("redirect_uri") == self.redirect
                and "openid" in asked.get("scope", "").split()
                and asked.get("code_challenge_method") == "S256"
                and len(asked.get("code_challenge", "")) == 43
                and len(asked.get("state", "")) >= 20
                and len(asked.get("nonce", "")) >= 20
            )
            if not fine:
                return JSONResponse({"error": "invalid_request"}, 400)
            back = {"state": asked["state"]}
            if self.refuses:
                back["error"] = "access_denied"
            else:
                back["code"] = secrets.token_urlsafe(16)
                self._codes[back["code"]] = asked
            return RedirectResponse(f"{self.redirect}?{urlencode(back)}", 302)

        @app.post("/token")
        async def token(request: Request) -> Response:
            self.shown += 1
            form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
            basic = request.headers.get("authorization", "").removeprefix("Basic ")
            if base64.b64decode(basic).decode() != f"{CLIENT}:{SECRET}":
                return JSONResponse({"error": "invalid_client"}, 401)
            asked = self._codes.pop(form.get("code", ""), None)
            hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
            fine = (
                asked is not None
                and form.get("grant_type") == "authorization_code"
                and form.get("redirect_uri") == asked["redirect_uri"]
                and secrets.compare_digest(challenge, asked["code_challenge"])
            )
            if asked is None or not fine:
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse(
                {
                    "access_token": "unused",
                    "token_type": "Bearer",
                    "id_token": self._token(asked["nonce"]),
                }
            )

        return app

    def _token(self, nonce: str) -> str:
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "p-1", "iat": self.now,
            "exp": self.now + 300, "nonce": self.nonce or nonce, **self.person,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.alg, "kid": self.key.kid}
        if self.alg == "RS256":
            return jwt.encode(header, claims, self.key)
        # forged with what everybody may read, the public key, taken for a shared secret; or bare
        parts = [_segment(json.dumps(part).encode()) for part in (header, claims)]
        public = self.key.as_pem(private=False)
        mac = hmac.digest(public, ".".join(parts).encode(), "sha256")
        return ".".join([*parts, _segment(mac) if self.alg == "HS256" else ""])


def _segment(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, and leaves the signals to the tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def provider(redirect: str, now: int) -> AsyncIterator[StandIn]:
    """The stand-in on a port of its own, for as long as the block lasts."""
    made = StandIn(free_port(), redirect, now=now)
    server = _Server(
        uvicorn.Config(
            made.app(), host="127.0.0.1", port=made.port, log_config=None, lifespan="off"
        )
    )
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            await server.listening.wait()
        yield made
    finally:
        server.should_exit = True
        await serving
