# SPDX-License-Identifier: Apache-2.0
"""Installs the project into a temporary root, and finds it there with pkg-config."""
import fcntl
import glob
import json
import os
import subprocess
from types import SimpleNamespace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.dirname(os.path.abspath(
    os.environ.get("LAYERPIPE", os.path.join(ROOT, "build", "layerpipe"))))


def build_options():
    listing = subprocess.run(["/usr/bin/meson", "introspect", BUILD, "--buildoptions"], check=True,
                             stdout=subprocess.PIPE).stdout
    return {option["name"]: option["value"] for option in json.loads(listing)}


def install(root, options):
    # Tests may run in several processes, but only one ninja may use a build directory.
    with open(os.path.join(BUILD, "build.ninja"), encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "-C", ROOT, "install", f"BUILD={BUILD}", f"DESTDIR={root}"],
                       check=True, stdout=subprocess.DEVNULL)
    prefix = root + options["prefix"]
    library = os.path.join(prefix, options["libdir"])
    # Nothing tells the dynamic linker where the library is: what was installed must know.
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    environment.update(PKG_CONFIG_PATH=os.path.join(library, "pkgconfig"),
                       PKG_CONFIG_SYSROOT_DIR=root)

    def pkg_config(*args):
        return subprocess.run(["pkg-config", *args, "layerpipe"], check=True, env=environment,
                              stdout=subprocess.PIPE).stdout.decode().split()

    def link_flags():
        """The options that `make install` prints when the dynamic linker does not search libdir."""
        return [*pkg_config("--cflags", "--libs"), "-Wl,-rpath," + library]

    headers = sorted(os.path.relpath(path, os.path.join(prefix, "include")) for path in glob.glob(
        os.path.join(prefix, "include", "**", "*.h"), recursive=True))
    return SimpleNamespace(prefix=prefix, libdir=library, environment=environment,
                           pkg_config=pkg_config, link_flags=link_flags, headers=headers,
                           sanitized=options["b_sanitize"] != "none")
