"""What a request to the panel must prove before anything is done: pure checks of its headers."""

import hmac
import re
from typing import Final, Protocol
from urllib.parse import parse_qs

_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")
_BEARER: Final = "Bearer "


class Headers(Protocol):
    """Headers of a request."""

    def get(self, name: str, /) -> str | None:
        """Return a header, None if it is not there."""
        ...


def refusal(headers: Headers, query: str, token: str, *, changes: bool) -> str:
    """Return why a request is refused; empty when it may pass.

    Args:
        headers: Of the request.
        query: Behind the `?` of its address; a page and its events carry the token there.
        token: What it must know. Compared in constant time.
        changes: Whether it asks for anything but a look. Then the token must be in a header, which no form and no image
            of another site can set, and the body must be JSON.
    """
    host = headers.get("Host") or ""
    if not _LOOPBACK.fullmatch(host):
        # A name that an attacker's server resolves to this machine (DNS rebinding).
        return "the address must be 127.0.0.1 or localhost"
    origin = headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        return "another site asks"
    if (headers.get("Sec-Fetch-Site") or "none") not in ("same-origin", "none"):
        return "another site asks"
    authorization = headers.get("Authorization") or ""
    given = authorization.removeprefix(_BEARER) if authorization.startswith(_BEARER) else ""
    if not given and not changes:
        given = parse_qs(query).get("token", [""])[0]
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        return "the token is missing or wrong: open the address that the run printed"
    if changes and (headers.get("Content-Type") or "").partition(";")[0].strip().lower() != "application/json":
        return "the body must be application/json"
    return ""
