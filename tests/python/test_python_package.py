# SPDX-License-Identifier: Apache-2.0
"""The wheel: pip installs it without a network, and it needs no other file of this project."""
import ast
import contextlib
import fcntl
import inspect
import os
import re
import subprocess
import sys
import zipfile

import pytest
from cli_support import COMMAND, LIMIT_S, ROOT

BUILD = os.path.dirname(os.path.abspath(COMMAND))


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=LIMIT_S * 5, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


@contextlib.contextmanager
def build_lock():
    """Only one ninja may use a build directory."""
    with open(os.path.join(BUILD, "build.ninja"), encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def pip():
    if subprocess.run([sys.executable, "-m", "pip", "--version"], check=False,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no pip (package python3-pip)")

    def call(*args):
        with build_lock():
            return run(sys.executable, "-m", "pip", "-q", "--no-cache-dir", *args, "--no-index",
                       os.path.join(ROOT, "python"))
    return call


def check_installed(place, command):
    """The package works, with a library of its own."""
    code = ("import layerpipe, sys; result = layerpipe.push('null:', [sys.argv[1]]); "
            "print(layerpipe.__file__, len(result.layers))")
    printed = run(sys.executable, "-c", code, ROOT + "/examples",
                  env={**command.env, "PYTHONPATH": str(place)}, cwd="/")
    assert printed == f"{place}/layerpipe/__init__.py 1\n"
    needed = run("readelf", "-dW", f"{place}/layerpipe/_layerpipe.abi3.so")
    assert "NEEDED" in needed and "liblayerpipe" not in needed and "libpython" not in needed
    assert "RPATH" not in needed and "RUNPATH" not in needed


def test_pip_installs_the_package(package_path, pip, tmp_path, command):
    assert package_path
    place = tmp_path / "place"
    pip("install", "--target", str(place), "--config-settings", f"build-dir={BUILD}")
    check_installed(place, command)


@pytest.mark.slow
def test_pip_compiles_the_package(package_path, pip, tmp_path, command):
    assert package_path
    place = tmp_path / "place"
    pip("install", "--target", str(place))
    check_installed(place, command)


def test_wheel_is_for_all_versions_of_python(package_path, tmp_path, monkeypatch):
    """Its bytes do not depend on the time."""
    assert package_path
    monkeypatch.syspath_prepend(os.path.join(ROOT, "python"))
    import build_backend
    wheels = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        with build_lock():
            wheels.append(folder / build_backend.build_wheel(folder, {"build-dir": BUILD}))
    assert wheels[0].name == wheels[1].name and "-cp39-abi3-linux" in wheels[0].name
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    with zipfile.ZipFile(wheels[0]) as wheel:
        listed = wheel.namelist()
    assert {"layerpipe/py.typed", "layerpipe/_layerpipe.pyi", "layerpipe/_calls.py"} <= set(listed)


def test_stubs_and_extension_have_the_same_names(lp):
    with open(os.path.join(ROOT, "python", "layerpipe", "_layerpipe.pyi"), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    stubs = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    stubs |= {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    assert stubs == {name for name in dir(lp._layerpipe) if not name.startswith("__")}


def text_of(*names):
    texts = []
    for name in names:
        with open(os.path.join(ROOT, *name.split("/")), encoding="utf-8") as file:
            texts.append(re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S))
    return "\n".join(texts)


def files_in(folder, ending):
    return [f"{folder}/{name}" for name in sorted(os.listdir(os.path.join(ROOT, folder)))
            if name.endswith(ending)]


def test_every_option_of_the_library_is_known():
    """The members of all option structs, and all flags and values of enums that options take."""
    headers, extension = text_of(*files_in("include/layerpipe", ".h")), text_of(*files_in("python/extension", ".c"))
    structs = re.findall(r"struct (lpipe_\w+_options) \{(.*?)\};", headers, re.S)
    assert len(structs) >= 8
    for struct, body in structs:
        for member in re.findall(r"(\w+);", body):
            assert member in ("struct_size", "flags", "observer", "cancel") or \
                re.search(rf"\b{member}\b", extension), (struct, member)
    for kind, flags in re.findall(r"enum lpipe_(client|layer|copy|index|content|inspect)_flag \{(.*?)\};", headers, re.S):
        for flag in re.findall(r"(LPIPE_\w+) = ", flags):
            assert re.search(rf"\b{flag}\b", extension), (kind, flag)


def test_every_function_of_the_library_is_known():
    """Those that Python does not need have a reason."""
    unused = {
        "lpipe_copy_archive_fd": "DescriptorSource", "lpipe_error_is_retryable": "Error.retryable",
        "lpipe_image_add_descriptor": "LayerResult.json()", "lpipe_registry_check": "login() checks it",
        "lpipe_inspect": "_with", "lpipe_layer_new_directory": "_with", "lpipe_repository_parse": "a flag of lpipe_ref_parse()",
        "lpipe_text_character": "str.isprintable()",
        **dict.fromkeys(["lpipe_layer_open", "lpipe_reader_read", "lpipe_reader_close", "lpipe_layer_result",
                         "lpipe_layer_digest", "lpipe_layer_diff_id", "lpipe_layer_size",
                         "lpipe_layer_media_type", "lpipe_layer_uncompressed"], "Layer and write_layer()")}
    exported = set(re.findall(r"^\s+(lpipe_\w+);", text_of("src/api/liblayerpipe.map"), re.M))
    used = set(re.findall(r"\b(lpipe_\w+)\(", text_of(*files_in("python/extension", ".c"))))
    assert exported - used == set(unused)


def test_names_in_messages_are_known(lp):
    """The command replaces the same names."""
    table = re.findall(r'^    \{ "(\w+)", ', text_of("cli/api_names.c"), re.M)
    assert len(table) > 20
    names = lp._errors._NAMES
    parameters = {*inspect.signature(lp.Client).parameters, *inspect.signature(lp.push).parameters,
                  *inspect.signature(lp.copy).parameters, *inspect.signature(lp.cat).parameters}
    assert not [name for name in table if name not in names and name not in parameters]
    error = lp._errors.error_of("REFUSED", 7, "use `spool_dir` or `authfile`", 0, 0, 0, 0, "")
    assert error.message == "use spool or authfile"


def test_extension_exports_one_function(package_path):
    """Another extension may have another version of the library inside."""
    exported = run("nm", "-D", "--defined-only", f"{package_path}/layerpipe/_layerpipe.abi3.so")
    assert [line.split()[-1] for line in exported.splitlines()] == ["PyInit__layerpipe"]


def test_types_are_right(package_path, tmp_path):
    if subprocess.run([sys.executable, "-m", "mypy", "--version"], check=False,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no mypy (package mypy)")
    run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path),
        os.path.join(package_path, "layerpipe"))
