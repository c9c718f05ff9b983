# SPDX-License-Identifier: Apache-2.0
"""A registry for tests. It can behave like many real registries, fails where a test wants it, and
keeps a journal of all requests. It uses only the standard library."""
from .auth import Auth
from .faults import Fault
from .profiles import PROFILES, Profile, profile
from .server import Registry
from .tls import CA

__all__ = ["Auth", "CA", "Fault", "PROFILES", "Profile", "Registry", "profile"]
