# SPDX-License-Identifier: Apache-2.0
"""The examples in C++ and Rust are compiled against an installed library, and run."""
import gzip
import os
import re
import shutil
import subprocess

import pytest
from cli_support import LIMIT_S, ROOT
from servers import missing

RUST = os.path.join(ROOT, "examples", "rust", "write_stdin.rs")
STRUCTS = {"LpipeError": "lpipe_error", "LpipeAnnotation": "lpipe_annotation",
           "LpipeLayerResult": "lpipe_layer_result"}


def run(argv, **options):
    return subprocess.run([str(arg) for arg in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=LIMIT_S, check=False, **options)


def compile_with(installed, argv):
    if installed.sanitized:
        pytest.skip("programs without the sanitizer cannot use the library")
    if not os.path.exists(f"{installed.libdir}/liblayerpipe.so"):
        pytest.skip("the build has no shared library")
    done = run(argv, env=installed.environment)
    assert done.returncode == 0, done.stderr.decode()


def rustc():
    path = shutil.which("rustc") or os.path.expanduser("~/.cargo/bin/rustc")
    if not os.path.exists(path) or run([path, "--version"]).returncode != 0:
        pytest.skip("rustc is not installed (package rustc)")
    return path


@pytest.fixture(params=["g++", "clang++"])
def cpp_example(installed, tmp_path, request):
    if shutil.which(request.param) is None:
        pytest.skip(missing(request.param))
    program = tmp_path / "write_files"
    compile_with(installed, [request.param, "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", program,
                             os.path.join(ROOT, "examples", "write_files.cpp"), *installed.link_flags()])
    return program


def compile_rust(installed, source, program):
    compile_with(installed, [rustc(), "--edition", "2021", "-D", "warnings", "-o", program, source,
                             "-L", installed.libdir, "-C", "link-arg=-Wl,-rpath," + installed.libdir])


def test_cpp_example(cpp_example, docker_registry, command, tmp_path):
    server = docker_registry()
    (tmp_path / "one").write_bytes(b"1" * 100000)
    (tmp_path / "two").write_bytes(b"2")
    done = run([cpp_example, f"{server.host}/cpp", tmp_path / "one", tmp_path / "two"], env=command.env)
    assert done.returncode == 0, done.stderr
    blob = server.blob("cpp", done.stdout.decode().strip())
    assert run(["zstd", "-dc"], input=blob).stdout == b"1" * 100000 + b"2"
    assert server.open_sessions("cpp") == []


def test_cpp_example_that_fails(cpp_example, docker_registry, command, tmp_path):
    """The exception frees the layer, and the upload is abandoned."""
    server = docker_registry()
    (tmp_path / "one").write_bytes(b"1" * 100000)
    done = run([cpp_example, f"{server.host}/cpp", tmp_path / "one", tmp_path / "none"], env=command.env)
    assert (done.returncode, done.stdout) == (1, b"") and b"none cannot be opened" in done.stderr
    assert server.blobs("cpp") == [] and server.open_sessions("cpp") == []
    done = run([cpp_example, "a:b:c", tmp_path / "one"], env=command.env)
    assert done.returncode == 2 and done.stderr.startswith(b"write_files: ")


def test_rust_example(installed, docker_registry, command, tmp_path, tar_bytes):
    program = tmp_path / "write_stdin"
    compile_rust(installed, RUST, program)
    server = docker_registry()
    done = run([program, f"{server.host}/rust"], input=tar_bytes, env=command.env)
    assert done.returncode == 0, done.stderr
    assert gzip.decompress(server.blob("rust", done.stdout.decode().strip())) == tar_bytes
    done = run([program, f"{server.host}/rust"], input=tar_bytes[:1000], env=command.env)
    assert done.returncode == 3 and done.stderr.startswith(b"write_stdin: ")
    assert len(server.blobs("rust")) == 1 and server.open_sessions("rust") == []


def test_structs_of_rust_are_those_of_c(installed, tmp_path):
    """Name, offset and size of every member."""
    with open(RUST, encoding="utf-8") as file:
        text = file.read()
    members = [(rust, c, name) for rust, c in STRUCTS.items() for name in
               re.findall(r"pub (\w+):", re.search(rf"pub struct {rust} {{(.*?)\n    }}", text, re.S)[1])]
    assert len(members) == 21
    (tmp_path / "c.c").write_text(
        "#include <layerpipe.h>\n#include <stdio.h>\nint main(void) {\n" + "".join(
            f'printf("%zu %zu %zu\\n", sizeof(struct {c}), offsetof(struct {c}, {name}), '
            f"sizeof((struct {c} *)0)->{name});\n" for _, c, name in members) + "return 0; }\n")
    (tmp_path / "rust.rs").write_text(
        f'#[allow(dead_code)]\n#[path = "{RUST}"]\nmod example;\nuse example::ffi::*;\n'
        "fn size<T>(_: *const T) -> usize { std::mem::size_of::<T>() }\nfn main() {\n" + "".join(
            f"let v: {rust} = unsafe {{ std::mem::zeroed() }};\n"
            f'println!("{{}} {{}} {{}}", std::mem::size_of::<{rust}>(), std::mem::offset_of!({rust}, {name}), '
            f"size(&v.{name}));\n" for rust, _, name in members) + "}\n")
    compile_rust(installed, tmp_path / "rust.rs", tmp_path / "rust")
    compile_with(installed, ["gcc", "-o", tmp_path / "c", tmp_path / "c.c", *installed.link_flags()])
    assert run([tmp_path / "rust"]).stdout == run([tmp_path / "c"]).stdout != b""


def test_bindgen_reads_the_header(installed, tmp_path):
    path = shutil.which("bindgen") or os.path.expanduser("~/.cargo/bin/bindgen")
    if not os.path.exists(path):
        pytest.skip("bindgen is not installed (package bindgen)")
    made = tmp_path / "layerpipe.rs"
    flags = installed.pkg_config("--cflags")
    done = run([path, f"{installed.prefix}/include/layerpipe.h", "--allowlist-function", "lpipe_.*",
                "--allowlist-type", "lpipe_.*", "--allowlist-var", "LPIPE_.*", "-o", made, "--", *flags])
    assert done.returncode == 0, done.stderr.decode()
    declared = set(re.findall(r"pub fn (lpipe_\w+)", made.read_text()))
    with open(os.path.join(ROOT, "src/api/liblayerpipe.map"), encoding="utf-8") as file:
        assert declared == set(re.findall(r"^\s+(lpipe_\w+);", file.read(), re.M))
    assert run([rustc(), "--edition", "2021", "--crate-type", "lib", "--emit", "metadata", "-A", "warnings",
                "-o", tmp_path / "layerpipe.rmeta", made]).returncode == 0
