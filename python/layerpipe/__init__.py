# SPDX-License-Identifier: Apache-2.0
"""Streams tar layers into OCI registries and layouts, and reads images back.

    with layerpipe.Layer("localhost:5000/data") as layer:
        with tarfile.open(fileobj=layer, mode="w|") as tar:
            tar.add("data")
    print(layer.result.reference)
    layerpipe.push("localhost:5000/data:1", [layer.result])

docs/python.md describes the package.
"""
from . import _layerpipe
from ._calls import cat, copy, index, inspect, login, logout, push, write_layer
from ._client import Client
from ._errors import (AuthenticationError, Cancelled, Error, InputError, IntegrityError,
                      LocalOutputError, NetworkError, NotFoundError, RefusedError, ResourceError,
                      UsageError)
from ._inputs import Input
from ._layer import Layer
from ._reader import Reader
from ._results import CopyResult, Event, LayerResult, PushResult, Reference, parse_reference

__version__ = _layerpipe.version()
build_info = _layerpipe.build_info

__all__ = [
    "AuthenticationError", "Cancelled", "Client", "CopyResult", "Error", "Event", "Input",
    "InputError", "IntegrityError", "Layer", "LayerResult", "LocalOutputError", "NetworkError",
    "NotFoundError", "PushResult", "Reader", "Reference", "RefusedError", "ResourceError",
    "UsageError", "build_info", "cat", "copy", "index", "inspect", "login", "logout",
    "parse_reference", "push", "write_layer",
]
