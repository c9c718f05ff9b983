# SPDX-License-Identifier: Apache-2.0
"""Makes a wheel, as PEP 517 describes: pip calls build_wheel(). The whole tree is needed, because the
wheel contains the library. Meson compiles it; no other package of Python is needed.

Settings, for example pip install ./python --config-settings build-dir=build:
    build-dir=DIRECTORY     uses a build directory that exists, instead of a temporary one
    platform=TAG            the machines that the wheel is for, instead of those that are like this one
    notices=FILE            the licenses of the libraries that are inside

Usage: build_backend.py DIRECTORY [SETTING=VALUE...]     leaves the wheel in DIRECTORY and prints its name
"""
import base64
import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILE_TIME = (1980, 1, 1, 0, 0, 0)  # of all files, so that the wheel does not depend on the time
METADATA = """\
Metadata-Version: 2.1
Name: layerpipe
Version: {version}
Summary: Streams tar layers into OCI registries and layouts
License: Apache-2.0
Requires-Python: >=3.9
Description-Content-Type: text/markdown

"""
WHEEL = """\
Wheel-Version: 1.0
Generator: layerpipe build_backend
Root-Is-Purelib: false
Tag: {tag}
"""


def project_version():
    with open(os.path.join(ROOT, "meson.build"), encoding="utf-8") as file:
        return re.search(r"^  version: '([^']+)'", file.read(), re.M)[1]


def run(*command):
    # pip hides the system's packages from this process; meson, a program in Python, needs them.
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("PYTHONPATH", "PYTHONNOUSERSITE")}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise SystemExit(f"{command[0]} failed")


def program(name):
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing; on Debian, `make deps-build-python` installs what is needed")
    return found


def compile_package(build):
    """Compiles the package in a new build directory, for the Python that runs this."""
    machine = os.path.join(build, "python.ini")
    with open(machine, "w", encoding="utf-8") as file:
        file.write(f"[binaries]\npython3 = '{sys.executable}'\n")
    run(program("meson"), "setup", os.path.join(build, "out"), ROOT, "--native-file", machine,
        "-Dpython=enabled", "-Dunits=disabled", "-Ddefault_library=static")
    return os.path.join(build, "out")


def package_files(build):
    """(name in the wheel, bytes) of the package in a build directory, which is brought up to date."""
    run(program("ninja"), "-C", build, "python")
    folder = os.path.join(build, "python", "layerpipe")
    for name in sorted(os.listdir(folder)):
        if name.endswith((".py", ".pyi", ".abi3.so")) or name == "py.typed":
            with open(os.path.join(folder, name), "rb") as file:
                yield "layerpipe/" + name, file.read()


def information_files(folder, config_settings):
    version = project_version()
    with open(os.path.join(ROOT, "docs", "python.md"), encoding="utf-8") as file:
        description = file.read()
    with open(os.path.join(ROOT, "LICENSE"), "rb") as file:
        yield folder + "/LICENSE", file.read()
    yield folder + "/METADATA", (METADATA.format(version=version) + description).encode()
    yield folder + "/WHEEL", WHEEL.format(tag=wheel_tag(config_settings)).encode()
    if config_settings and "notices" in config_settings:
        with open(config_settings["notices"], "rb") as file:
            yield folder + "/NOTICES", file.read()


def record(files, name):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for path, data in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow([path, "sha256=" + digest, len(data)])
    writer.writerow([name, "", ""])
    return name, text.getvalue().encode()


def write_wheel(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            info = zipfile.ZipInfo(name, FILE_TIME)
            info.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


def wheel_tag(config_settings):
    """One file is for all versions of Python from 3.9 on."""
    platform = (config_settings or {}).get("platform") or sysconfig.get_platform()
    return "cp39-abi3-" + re.sub(r"[-.]", "_", platform)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """Without this function pip would build the wheel twice."""
    folder = f"layerpipe-{project_version()}.dist-info"
    os.makedirs(os.path.join(metadata_directory, folder))
    for name, data in information_files(folder, config_settings):
        with open(os.path.join(metadata_directory, name), "wb") as file:
            file.write(data)
    return folder


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Writes the wheel and returns its name."""
    tag = wheel_tag(config_settings)
    name = f"layerpipe-{project_version()}"
    with tempfile.TemporaryDirectory() as temporary:
        build = (config_settings or {}).get("build-dir")
        build = os.path.join(ROOT, build) if build else compile_package(temporary)
        files = [*package_files(build), *information_files(name + ".dist-info", config_settings)]
    files.append(record(files, name + ".dist-info/RECORD"))
    write_wheel(os.path.join(wheel_directory, f"{name}-{tag}.whl"), files)
    return f"{name}-{tag}.whl"


def build_sdist(sdist_directory, config_settings=None):
    raise SystemExit("there is no source package of Python alone: make a wheel (pip wheel ./python, or "
                     "python3 -m build --wheel python), or use the source archive of the project")


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    settings = dict(setting.split("=", 1) for setting in sys.argv[2:])
    print(os.path.join(sys.argv[1], build_wheel(sys.argv[1], settings)))
