# SPDX-License-Identifier: Apache-2.0
"""Counts the requests in a registry's journal, and the round trips that follow one another."""


def depth(journal):
    """How many round trips the client waited for, one after the other, with the TCP handshakes: the
    longest chain in which each request (or new connection) began after the one before it was
    answered. Two requests that do not depend on each other may look like a chain, so the number may
    be too large when a machine is busy; it is never too small."""
    entries = sorted(journal, key=lambda entry: entry.started)
    trips = []  # (end, depth) of requests and handshakes
    opened = {}  # connection -> depth of its handshake

    def before(time):
        return max((count for end, count in trips if end <= time), default=0)

    # A handshake counts from the moment of its end, so that one that was begun early costs nothing.
    events = sorted([(entry.connected, 0, entry) for entry in entries] +
                    [(entry.started, 1, entry) for entry in entries], key=lambda event: event[:2])
    for time, kind, entry in events:
        if kind == 0:
            if entry.connection not in opened:
                opened[entry.connection] = before(time) + 1
        elif entry.answered:
            trips.append((entry.answered, max(before(time), opened[entry.connection]) + 1))
    return max((count for _, count in trips), default=0)
