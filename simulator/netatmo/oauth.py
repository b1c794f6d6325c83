"""The vendor's authorize page and token endpoint."""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from aiohttp import web

from simulator.faults import NOT_NETATMO, Fault
from simulator.netatmo.errors import VendorError
from simulator.netatmo.reply import Reply, before, refusal, respond
from simulator.netatmo.state import NetatmoState
from simulator.netatmo.tokens import DEFAULT_SCOPE, Grant, GrantError
from simulator.world import World

COMMAND = "token"
NOBODY = "?"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Netatmo (simulated)</title></head>
<body>
<h1>Netatmo (simulated)</h1>
<p>The application <b>{client}</b> asks for <b>{scope}</b>.</p>
<form method="post" action="/oauth2/authorize">
{hidden}
<p><label>Account <select name="user" id="user">{users}</select></label></p>
<button type="submit" name="decision" value="accept" id="accept">Yes, I accept</button>
<button type="submit" name="decision" value="refuse" id="refuse">No</button>
</form>
</body>
</html>
"""


class OAuth:
    """Let users grant applications access, and applications fetch tokens."""

    def __init__(self, world: World) -> None:
        """Take the world whose accounts are granted."""
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses of both ends."""
        return [
            web.get("/oauth2/authorize", self._ask),
            web.post("/oauth2/authorize", self._decide),
            web.post("/oauth2/token", self._token),
        ]

    async def _ask(self, request: web.Request) -> web.Response:
        """Show the page, or approve at once where that is ordered."""
        query = request.query
        if not query.get("redirect_uri"):
            return web.Response(status=400, text="redirect_uri is missing")
        if query.get("client_id") not in self._state.tokens.secrets:
            return _back(query, {"error": "invalid_client"})
        if self._state.approves is not None:
            return self._grant(query, self._state.approves)
        if query.get("auto") == "1":
            user = query.get("user") or self._state.signed_in
            return self._grant(query, user or next(iter(self._state.users)))
        return web.Response(text=self._page(query), content_type="text/html")

    async def _decide(self, request: web.Request) -> web.Response:
        """Go back with a code, or without."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("client_id") not in self._state.tokens.secrets:
            return _back(form, {"error": "invalid_client"})
        if form.get("decision") != "accept":
            return _back(form, {"error": "access_denied"})
        return self._grant(form, form.get("user", ""))

    def _grant(self, fields: Mapping[str, str], email: str) -> web.Response:
        """Go back with a code for a user."""
        if email not in self._state.users:
            return web.Response(status=400, text=f"no such user: {email}")
        scope = tuple(fields.get("scope", "").split()) or DEFAULT_SCOPE
        grant = Grant(email, fields["client_id"], scope)
        code = self._state.tokens.code(
            grant, fields["redirect_uri"], self._world.clock.now_ms
        )
        return _back(fields, {"code": code})

    def _page(self, query: Mapping[str, str]) -> str:
        """Return the page that asks the user."""
        hidden = "\n".join(
            f'<input type="hidden" name="{name}" value="{escape(query.get(name, ""))}">'
            for name in ("client_id", "redirect_uri", "scope", "state")
        )
        chosen = self._state.signed_in
        users = "".join(
            f'<option value="{escape(email)}"{" selected" if email == chosen else ""}>'
            f"{escape(email)}</option>"
            for email in self._state.users
        )
        return PAGE.format(
            client=escape(query["client_id"]),
            scope=escape(query.get("scope") or " ".join(DEFAULT_SCOPE)),
            hidden=hidden,
            users=users,
        )

    async def _token(self, request: web.Request) -> web.StreamResponse:
        """Give tokens for a code or a refresh token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        now_ms = self._world.clock.now_ms
        secret = form.get("code") or form.get("refresh_token") or ""
        user = self._state.tokens.owner(secret) or NOBODY
        client_id = form.get("client_id", NOBODY)
        self._world.calls.note(now_ms, user, COMMAND)
        active = self._world.faults.take(COMMAND, user, NOT_NETATMO)
        fault = None if active is None else active.fault
        status = 0
        try:
            if active is not None and fault is Fault.TIMEOUT:
                await self._world.faults.hold(active.seconds)
            spoilt = before(fault)
            if isinstance(spoilt, VendorError):
                reply = refusal(spoilt)
            else:
                reply = self._give(form) if spoilt is None else spoilt
            status = reply.status
        finally:
            # Also when the caller gave up: then nothing was given.
            self._state.calls.note(now_ms, user, client_id, COMMAND, status)
        return await respond(request, reply, fault)

    def _give(self, form: Mapping[str, str]) -> Reply:
        """Return tokens, or the error word."""
        tokens, now_ms = self._state.tokens, self._world.clock.now_ms
        client_id = form.get("client_id", "")
        if tokens.secrets.get(client_id) != form.get("client_secret", ""):
            return Reply({"error": "invalid_client"}, 400)
        try:
            match form.get("grant_type"):
                case "authorization_code":
                    grant = tokens.redeem(
                        form.get("code", ""),
                        client_id,
                        form.get("redirect_uri", ""),
                        now_ms,
                    )
                    return Reply(tokens.issue(grant, now_ms))
                case "refresh_token":
                    old = form.get("refresh_token", "")
                    grant = tokens.refresh(old, client_id)
                    return Reply(tokens.issue(grant, now_ms, old))
                case None:
                    return Reply({"error": "invalid_request"}, 400)
                case _:
                    return Reply({"error": "unsupported_grant_type"}, 400)
        except GrantError as err:
            return Reply({"error": str(err)}, 400)

    @property
    def _state(self) -> NetatmoState:
        """Return the vendor's state, a new one after each reset."""
        return self._world.netatmo


def _back(fields: Mapping[str, str], answer: Mapping[str, str]) -> web.Response:
    """Send the browser back to the application with an answer."""
    address = urlsplit(fields["redirect_uri"])
    query = urlencode({"state": fields.get("state", ""), **answer})
    if address.query:
        query = f"{address.query}&{query}"
    return web.Response(
        status=302, headers={"Location": urlunsplit(address._replace(query=query))}
    )
