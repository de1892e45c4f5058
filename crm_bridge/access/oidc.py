"""The ministry's own sign-in: OpenID Connect, the code flow with PKCE, state and nonce.

    1. `begin` gives where the browser is sent, and what it must bring back with it (`Attempt`).
    2. The provider sends the browser back with a code; `finish` turns it into the claims of the
       ID token, whose signature, issuer, audience, times and nonce it has checked.

The provider's own description and keys are asked for when first needed and kept; the keys are
asked for again where a token names one that is not among them.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from crm_bridge.clock import Clock
from crm_bridge.config_outside import OidcSection
from crm_bridge.errors import Refused
from crm_bridge.outward import NotThere, Outward, networks_of, trusted

_log = structlog.get_logger(__name__)

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Signatures that are taken: none without a key, none with a shared one."""

LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ."""

CALLBACK: Final = "/sign-in/oidc/callback"
_LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in under way: what the browser that began it must bring back."""

    state: str
    nonce: str
    verifier: str
    began_us: int
    next: str


class Provider:
    """The provider of [oidc]."""

    def __init__(self, section: OidcSection) -> None:
        self.section = section
        self._networks = networks_of(section.networks)
        self._trusted: ssl.SSLContext | None = None
        self._about: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None
        self._lock = asyncio.Lock()

    @property
    def callback(self) -> str:
        """Where the provider sends the browser back to; registered there."""
        return self.section.address.rstrip("/") + CALLBACK

    async def begin(self, clock: Clock, next_: str) -> tuple[str, Attempt]:
        """Where the browser is sent, and the attempt it belongs to. Raises Refused (502)."""
        about = await self._description()
        attempt = Attempt(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48),
            clock.now_us(), next_,
        )  # fmt: skip
        url = prepare_grant_uri(
            about["authorization_endpoint"],
            self.section.client_id,
            "code",
            redirect_uri=self.callback,
            scope="openid profile email",
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return url, attempt

    async def finish(self, clock: Clock, attempt: Attempt, code: str) -> dict[str, Any]:
        """The claims of the person who signed in there. Raises Refused (401, 502)."""
        about = await self._description()
        secret = self.section.secret()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": attempt.verifier,
            "client_id": self.section.client_id,
        }
        # the two ways of RFC 6749 to show the secret; the provider says which it takes
        basic = "client_secret_basic" in about.get(
            "token_endpoint_auth_methods_supported", ["client_secret_basic"]
        )
        if secret and not basic:
            form["client_secret"] = secret
        auth = httpx.BasicAuth(self.section.client_id, secret) if secret and basic else None
        answer = await self._ask("POST", about["token_endpoint"], data=form, auth=auth)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _refused("no ID token in the provider's answer")
        return await self._checked(clock, attempt, token)

    async def _checked(self, clock: Clock, attempt: Attempt, token: str) -> dict[str, Any]:
        now = clock.now_us() // 1_000_000
        rules = JWTClaimsRegistry(
            now=now,
            leeway=LEEWAY,
            iss={"essential": True, "value": self.section.issuer},
            aud={"essential": True, "value": self.section.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": attempt.nonce},
        )
        try:
            claims = dict((await self._verified(token)).claims)
            rules.validate(claims)
        except ExpiredTokenError:
            raise _refused("the ID token has run out", code="oidc-expired") from None
        except (JoseError, ValueError, TypeError) as error:
            raise _refused(f"the ID token is not right: {error}") from None
        audience = claims["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.section.client_id:
            raise _refused("the ID token was made for another program")
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
            raise _refused("the ID token has no subject")
        return claims

    async def _verified(self, token: str) -> jwt.Token:
        keys = await self._key_set()
        try:
            return jwt.decode(token, keys, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            # a provider that changes its keys signs with one we have not seen
            self._keys = None
            return jwt.decode(token, await self._key_set(), algorithms=list(ALGORITHMS))

    async def _key_set(self) -> KeySet:
        async with self._lock:
            if self._keys is None:
                about = await self._known()
                answer = await self._ask("GET", about["jwks_uri"])
                try:
                    self._keys = KeySet.import_key_set(answer)  # type: ignore[arg-type]  # a JWKS as sent; checked here
                except (JoseError, ValueError, TypeError, KeyError) as error:
                    raise _unreached(f"its keys cannot be read: {error}") from None
            return self._keys

    async def _description(self) -> Mapping[str, Any]:
        async with self._lock:
            return await self._known()

    async def _known(self) -> Mapping[str, Any]:
        if self._about is None:
            issuer = self.section.issuer
            about = await self._ask("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
            if about.get("issuer") != issuer:
                raise _unreached("it names another issuer than the configuration")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                parts = urlsplit(str(about.get(name, "")))
                if not parts.hostname or parts.scheme not in {"https", urlsplit(issuer).scheme}:
                    raise _unreached(f"its description has no usable {name}")
            self._about = about
        return self._about

    async def _ask(
        self, method: str, url: str, *, data: dict[str, str] | None = None,
        auth: httpx.BasicAuth | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        timeout = self.section.timeout_seconds
        if self._trusted is None:
            # reading all authorities takes long enough for calls to notice
            self._trusted = await asyncio.to_thread(trusted)
        outward = Outward(self._networks, meant=self.section.issuer, verify=self._trusted)
        try:
            async with (
                asyncio.timeout(timeout),
                httpx.AsyncClient(
                    timeout=timeout,
                    follow_redirects=False,
                    trust_env=False,
                    transport=outward,
                ) as client,
                client.stream(method, url, data=data, auth=auth or httpx.USE_CLIENT_DEFAULT) as got,
            ):
                body = b""
                async for piece in got.aiter_bytes():
                    body += piece
                    if len(body) > _LARGEST:
                        raise _unreached("its answer is too long")
            answer = httpx.Response(got.status_code, content=body)
            said = answer.json()
        except NotThere as error:
            raise _unreached(f"{error}; {error.mend}") from None
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            raise _unreached(f"{type(error).__name__} at {urlsplit(url).path}") from None
        if answer.status_code == 400 and isinstance(said, dict) and "error" in said:
            raise _refused(f"the provider says {str(said['error'])[:60]}")
        if answer.status_code != 200 or not isinstance(said, dict):
            raise _unreached(f"it answers {answer.status_code} at {urlsplit(url).path}")
        return said


def _refused(why: str, code: str = "oidc-refused") -> Refused:
    _log.warning("a sign-in through the provider was refused", why=why)
    if code == "oidc-expired":
        th = "การลงชื่อเข้าใช้หมดเวลาแล้ว โปรดเริ่มใหม่"
        return Refused(code, th, "the sign-in has run out; please begin again", 401)
    th = "ระบบลงชื่อเข้าใช้ของกระทรวงไม่ยืนยันตัวตน โปรดเริ่มใหม่ หรือติดต่อผู้ดูแลระบบ"
    en = "the ministry's sign-in did not prove who you are; begin again, or ask an administrator"
    return Refused(code, th, en, 401)


def _unreached(why: str) -> Refused:
    _log.error("the provider of sign-ins cannot be used", why=why)
    th = "ติดต่อระบบลงชื่อเข้าใช้ของกระทรวงไม่ได้ โปรดลองอีกครั้ง หรือใช้รหัสผ่านของระบบนี้"
    en = "the ministry's sign-in cannot be reached; try again, or use a password of this system"
    return Refused("oidc-unreachable", th, en, 502)
