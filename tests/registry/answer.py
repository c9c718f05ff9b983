# SPDX-License-Identifier: Apache-2.0
"""Answers, and error answers as exceptions."""
import json


class Answer:
    def __init__(self, status, headers=(), body=b"", media_type=None, session=None):
        self.status = status
        self.headers = list(headers)
        self.body = body
        self.session = session
        if media_type:
            self.headers.append(("Content-Type", media_type))

    def set(self, name, value):
        """Sets a header; None removes it."""
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        if value is not None:
            for item in value if isinstance(value, (list, tuple)) else [value]:
                self.headers.append((name, item))

    def get(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None


class Refusal(Exception):
    def __init__(self, status, code, message, headers=()):
        super().__init__(message)
        body = json.dumps({"errors": [{"code": code, "message": message, "detail": {}}]})
        self.answer = Answer(status, headers, body.encode(), "application/json; charset=utf-8")


def refusal(status, code, message):
    return Refusal(status, code, message)
