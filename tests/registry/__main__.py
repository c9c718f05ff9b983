# SPDX-License-Identifier: Apache-2.0
"""python3 -m tests.registry --profile d28 --port 0: prints its port, then serves until a signal."""
import argparse
import json
import signal
import sys
import threading

from . import CA, PROFILES, Auth, Fault, Registry


def main():
    parser = argparse.ArgumentParser(prog="python3 -m tests.registry", description=__doc__)
    parser.add_argument("--profile", default="d28", choices=sorted(PROFILES))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--discard", action="store_true", help="hash and count blobs, keep none")
    parser.add_argument("--rate", type=float, default=0, help="Mbit/s of the link")
    parser.add_argument("--rtt", type=float, default=0, help="milliseconds")
    parser.add_argument("--auth", choices=["none", "basic", "bearer"], default="none")
    parser.add_argument("--user", default="user:secret")
    parser.add_argument("--faults", help="file with a JSON list of faults")
    parser.add_argument("--tls", metavar="DIR", help="serve https; the authority is made in DIR")
    parser.add_argument("--journal", metavar="FILE", help="write the journal there at the end")
    args = parser.parse_args()
    faults = []
    if args.faults:
        with open(args.faults, encoding="utf-8") as file:
            faults = [Fault(**{**entry, "body": entry["body"].encode()} if "body" in entry
                            else entry) for entry in json.load(file)]
    user, _, password = args.user.partition(":")
    context = CA(args.tls).server_context() if args.tls else None
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Registry(args.profile, faults, Auth(args.auth, {user: password}), context,
                  args.rate * 1e6 / 8, args.rtt / 1000, args.discard, port=args.port) as registry:
        print(registry.port, flush=True)
        stop.wait()
        if args.journal:
            with open(args.journal, "w", encoding="utf-8") as file:
                json.dump([{**vars(entry), "body": None} for entry in registry.journal], file,
                          indent=1)
    return 1 if registry.failures else 0


if __name__ == "__main__":
    sys.exit(main())
