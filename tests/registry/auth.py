# SPDX-License-Identifier: Apache-2.0
"""Authentication of the test registry: none, Basic, or Bearer with a /token of the same server."""
import base64
import json
import secrets
import threading
import time
import urllib.parse


class Auth:
    """scheme: none, basic, bearer. The other arguments change the challenges and token answers."""

    def __init__(self, scheme="none", users=None, seconds=300, anonymous=(), realm=None,
                 service="fake", challenge=None, token_fields=("token", "expires_in"),
                 scope_form="{type}:{name}:{actions}", post=True, grant=None,
                 token_headers=None, refresh_tokens=()):
        self.scheme = scheme
        self.users = users if users is not None else {"user": "secret"}
        self.seconds = seconds
        self.anonymous = tuple(anonymous)  # actions that need no user (bearer: pull, push)
        self.realm = realm  # None: this server's own /token
        self.service = service
        self.challenge = challenge  # function(text) -> list of header values, or None
        self.token_fields = token_fields
        self.scope_form = scope_form
        self.post = post
        self.grant = grant  # function(name, actions) -> actions
        self.token_headers = token_headers or {}
        self.refresh_tokens = set(refresh_tokens)
        self.tokens = {}
        self.ahead = 0.0  # seconds added to the clock that decides whether a token has expired
        self.lock = threading.Lock()

    # Checks of a request.

    def check(self, origin, request, repository, actions):
        """None when the request is allowed, else (status, headers) of the error answer."""
        if self.scheme == "none":
            return None
        value = request.headers.get("authorization", "")
        kind, _, credential = value.partition(" ")
        if self.scheme == "basic":
            if kind.lower() == "basic" and self._user(credential):
                return None
            return 401, self._challenges('Basic realm="fake"')
        return self._check_bearer(origin, kind, credential.strip(), repository, actions)

    def _check_bearer(self, origin, kind, credential, repository, actions):
        error = None
        if kind.lower() == "bearer":
            with self.lock:
                token = self.tokens.get(credential)
            if token is None or token["ends"] <= self._now():
                error = "invalid_token"
            elif repository is None or set(actions) <= token["access"].get(repository, set()):
                return None
            else:
                error = "insufficient_scope"
        text = f'Bearer realm="{self.realm or origin + "/token"}",service="{self.service}"'
        if repository is not None:
            scope = self.scope_form.format(type="repository", name=repository,
                                           actions=",".join(actions))
            text += f',scope="{scope}"'
        if error:
            text += f',error="{error}"'
        return 401, self._challenges(text)

    def _challenges(self, text):
        values = self.challenge(text) if self.challenge else [text]
        return [("WWW-Authenticate", value) for value in values]

    def _user(self, credential):
        try:
            user, _, password = base64.b64decode(credential).decode().partition(":")
        except ValueError:
            return None
        return user if user in self.users and self.users[user] == password else None

    def _now(self):
        return time.monotonic() + self.ahead

    def expire_all(self):
        with self.lock:
            for token in self.tokens.values():
                token["ends"] = 0

    # The token endpoint.

    def token(self, request, body):
        """Returns (status, headers, body) for GET or POST /token."""
        if request.method == "POST":
            if not self.post:
                return 404, [], b"no such page"
            fields = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
            user = self._post_user(fields)
            scopes = fields.get("scope", "").split()
            if user is None:
                return 401, [], b'{"errors":[{"code":"UNAUTHORIZED","message":"bad grant"}]}'
        else:
            user = ""
            kind, _, credential = request.headers.get("authorization", "").partition(" ")
            if kind.lower() == "basic":
                user = self._user(credential)
                if user is None:
                    return 401, [], (b'{"errors":[{"code":"UNAUTHORIZED",'
                                     b'"message":"incorrect username or password"}]}')
            scopes = [item for name, value in urllib.parse.parse_qsl(request.query)
                      if name == "scope" for item in value.split()]
        return 200, list(self.token_headers.items()), self._issue(user, scopes)

    def _post_user(self, fields):
        if fields.get("grant_type") == "refresh_token":
            return "refresh" if fields.get("refresh_token") in self.refresh_tokens else None
        user = fields.get("username")
        return user if user in self.users and self.users[user] == fields.get("password") else None

    def _issue(self, user, scopes):
        access = {}
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            if kind != "repository":
                continue
            wanted = set(actions.split(","))
            if not user:
                wanted &= set(self.anonymous)
            if self.grant is not None:
                wanted &= set(self.grant(name, wanted))
            access.setdefault(name, set()).update(wanted)
        value = secrets.token_urlsafe(24)
        with self.lock:
            self.tokens[value] = {"access": access, "ends": self._now() + self.seconds,
                                  "user": user}
        fields = {"token": value, "access_token": value, "expires_in": self.seconds}
        return json.dumps({name: fields[name] for name in self.token_fields}).encode()
