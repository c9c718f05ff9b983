# SPDX-License-Identifier: Apache-2.0
"""Optional compression libraries: a build without them works, passes the unit tests, and `version`
lists the libraries in use. Which libraries `default_library` installs."""
import gzip
import os
import re
import subprocess

import pytest
from compile_support import ROOT

pytestmark = pytest.mark.slow
UNITS = ["codec", "golden", "splice", "flow", "layer"]
# What `layerpipe version` prints about gzip.
CHOICES = {
    ("enabled", "enabled"): ["gzip 1, 2: ISA-L", "gzip -1, 3 to 12: libdeflate", "gzip -2: zlib"],
    ("disabled", "enabled"): ["gzip 1, 2: libdeflate", "gzip -1, 3 to 12: libdeflate",
                              "gzip -2: zlib"],
    ("enabled", "disabled"): ["gzip 1, 2: ISA-L", "gzip, other levels: zlib"],
    ("disabled", "disabled"): ["gzip, other levels: zlib"],
}


@pytest.mark.parametrize("isal, libdeflate", CHOICES)
def test_build_without_optional_library_works_and_lists_codecs(isal, libdeflate, tmp_path):
    build = str(tmp_path)
    subprocess.run(["/usr/bin/meson", "setup", build, ROOT, f"-Disal={isal}", "-Dunits=enabled",
                    f"-Dlibdeflate={libdeflate}", "-Dwerror=true"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", build, "layerpipe",
                    *(f"tests/t_{name}" for name in UNITS)], check=True)
    for name in UNITS:
        subprocess.run([f"{build}/tests/t_{name}"], check=True, stdout=subprocess.DEVNULL)
    command = f"{build}/layerpipe"
    said = subprocess.run([command, "version"], check=True, stdout=subprocess.PIPE).stdout.decode()
    lines = [re.sub(r" [\d.]+$", "", line) for line in said.splitlines()]
    assert [line for line in lines if line.startswith("gzip")] == CHOICES[isal, libdeflate]
    stream = os.urandom(300000) + bytes(300000)
    for level in (-2, 0, 1, 6, 12):
        layout = tmp_path / f"layout{level}"
        done = subprocess.run([command, "layer", "-q", "--raw", "--compress", f"gzip:{level}",
                               f"oci:{layout}"], check=True, input=stream, stdout=subprocess.PIPE)
        digest = done.stdout.decode().strip().rpartition("@sha256:")[2]
        blob = (layout / "blobs" / "sha256" / digest).read_bytes()
        assert gzip.decompress(blob) == stream


def configured(build, prefix, *options):
    subprocess.run(["/usr/bin/meson", "setup", build, ROOT, f"--prefix={prefix}", "-Dunits=disabled",
                    *options], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["/usr/bin/meson", "install", "-C", build, "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)


def pkg_config(prefix, *arguments):
    environment = {**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}
    return subprocess.run(["pkg-config", *arguments], check=True, env=environment,
                          stdout=subprocess.PIPE).stdout.decode().split()


def test_default_library_static_installs_one_archive_that_exports_the_public_functions(tmp_path):
    prefix = tmp_path / "prefix"
    configured(str(tmp_path / "build"), prefix, "-Ddefault_library=static")
    assert sorted(entry.name for entry in (prefix / "lib").iterdir()) == ["liblayerpipe.a", "pkgconfig"]
    library = prefix / "lib" / "liblayerpipe.a"
    listed = subprocess.run(["nm", "-g", "--defined-only", library], check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    names = re.findall(r" [A-Z] (\S+)$", listed, re.MULTILINE)
    with open(os.path.join(ROOT, "src", "api", "liblayerpipe.map"), encoding="utf-8") as exported:
        assert sorted(names) == sorted(re.findall(r"^ +(lpipe_\w+);", exported.read(), re.MULTILINE))
    # A program has an internal name of the library, as its own.
    program = tmp_path / "program.c"
    program.write_text('#include <layerpipe.h>\n#include <stdio.h>\n'
                       'int buf_append(void) { return 7; }\n'
                       'int main(void) { puts(lpipe_build_info()); return buf_append(); }\n')
    # Without --static, which asks for all libraries that a static libcurl needs.
    flags = pkg_config(prefix, "--cflags", "--libs", "layerpipe")
    subprocess.run(["cc", "-o", tmp_path / "program", program, *flags], check=True)
    assert subprocess.run([tmp_path / "program"], stdout=subprocess.PIPE).returncode == 7
    needed = subprocess.run(["readelf", "-d", prefix / "bin" / "layerpipe"], check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    assert "liblayerpipe" not in needed and "RUNPATH" not in needed and "libcurl.so" in needed


def test_default_library_both_installs_both_and_the_command_uses_the_shared_one(tmp_path):
    prefix = tmp_path / "prefix"
    configured(str(tmp_path / "build"), prefix, "-Ddefault_library=both")
    assert {"liblayerpipe.a", "liblayerpipe.so"} <= {entry.name for entry in (prefix / "lib").iterdir()}
    needed = subprocess.run(["readelf", "-d", prefix / "bin" / "layerpipe"], check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    assert "liblayerpipe.so.0" in needed
    # A static library names its libraries in its pkg-config file, so both are linked with libcurl.
    needed = subprocess.run(["readelf", "-d", prefix / "lib" / "liblayerpipe.so"], check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    assert "libcurl.so" in needed
    private = pkg_config(prefix, "--print-requires-private", "layerpipe")
    assert "libcurl" in private and "libcrypto" in private
    assert pkg_config(prefix, "--libs", "layerpipe")[-1] == "-llayerpipe"
    # As man liblayerpipe shows it.
    program = tmp_path / "program.c"
    program.write_text('#include <layerpipe.h>\nint main(void) { return lpipe_version() == NULL; }\n')
    subprocess.run(["cc", "-o", tmp_path / "program", program,
                    *pkg_config(prefix, "--cflags", "--libs-only-L", "layerpipe"), "-l:liblayerpipe.a",
                    *pkg_config(prefix, "--libs", *private), "-pthread"], check=True)
    assert subprocess.run([tmp_path / "program"]).returncode == 0
