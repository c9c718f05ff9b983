# SPDX-License-Identifier: Apache-2.0
"""A registry to be tested against: the protocol with the habits of many registries, faults on
demand, and a journal of what really arrived. Standard library only."""
from .auth import Auth
from .faults import Fault
from .profiles import PROFILES, Profile, profile
from .server import Registry
from .tls import CA

__all__ = ["Auth", "CA", "Fault", "PROFILES", "Profile", "Registry", "profile"]
