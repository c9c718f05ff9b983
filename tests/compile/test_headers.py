# SPDX-License-Identifier: Apache-2.0
"""The public headers: each compiles alone as C99 and C++11 without extensions, and defines only
names with our prefix."""
import os
import re
import shutil
import subprocess

import pytest
from servers import missing

STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror"]
LANGUAGES = {
    "gcc c99": ["gcc", "-x", "c", "-std=c99", "-Wstrict-prototypes", "-Wold-style-definition"],
    "gcc c11": ["gcc", "-x", "c", "-std=c11"],
    "clang c99": ["clang", "-x", "c", "-std=c99", "-Wdocumentation"],
    "g++ c++11": ["g++", "-x", "c++", "-std=c++11"],
    "g++ c++20": ["g++", "-x", "c++", "-std=c++20"],
    "clang++ c++17": ["clang++", "-x", "c++", "-std=c++17"],
}
HEADERS = ["layerpipe.h"] + [f"layerpipe/{name}.h" for name in (
    "client", "content", "copy", "error", "image", "index", "layer", "observe", "push", "ref", "text",
    "version")]

# A program with every initialiser, and one call of each kind of function.
PROGRAM = """
#include <layerpipe.h>
int main(void)
{
    struct lpipe_client_options client = LPIPE_CLIENT_OPTIONS_INIT;
    struct lpipe_layer_options layer = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct lpipe_image_options image = LPIPE_IMAGE_OPTIONS_INIT;
    struct lpipe_push_options push = LPIPE_PUSH_OPTIONS_INIT;
    struct lpipe_push_result pushed = LPIPE_PUSH_RESULT_INIT;
    struct lpipe_copy_options copy = LPIPE_COPY_OPTIONS_INIT;
    struct lpipe_copy_result copied = LPIPE_COPY_RESULT_INIT;
    struct lpipe_index_options index = LPIPE_INDEX_OPTIONS_INIT;
    struct lpipe_content_options content = LPIPE_CONTENT_OPTIONS_INIT;
    struct lpipe_error err;
    lpipe_ref *ref = NULL;
    int status = lpipe_ref_parse("localhost:5000/a:b", 0, &ref, &err);
    ref = lpipe_ref_free(ref);
    lpipe_push_result_done(&pushed);
    lpipe_copy_result_done(&copied);
    return status + (ref != NULL) + (int)(client.flags + layer.flags + result.size) +
           (int)image.format + (int)push.tag_count + (int)(copy.flags + index.flags) +
           (content.platform != NULL) + (lpipe_version()[0] == '0' ? 0 : 1);
}
"""


def compile_text(installed, language, text):
    argv = LANGUAGES[language]
    if shutil.which(argv[0]) is None:
        pytest.skip(missing(argv[0]))
    return subprocess.run([*argv, *STRICT, "-c", "-o", os.devnull,
                           *installed.pkg_config("--cflags"), "-"],
                          input=text.encode(), stderr=subprocess.PIPE, check=False)


def test_list_of_headers_is_complete(installed):
    assert installed.headers == sorted(HEADERS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("header", HEADERS)
def test_header_compiles_alone(installed, header, language):
    result = compile_text(installed, language, f"#include <{header}>\n#include <{header}>\n"
                          "int nothing;\n")
    assert result.returncode == 0, result.stderr.decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_initialiser_compiles(installed, language):
    result = compile_text(installed, language, PROGRAM)
    assert result.returncode == 0, result.stderr.decode()


def test_unused_result_is_a_warning(installed):
    result = compile_text(installed, "gcc c99", """
#include <layerpipe.h>
void forgets(lpipe_ref **ref);
void forgets(lpipe_ref **ref)
{
    lpipe_ref_parse("a", 0, ref, NULL);
}
""")
    assert result.returncode != 0
    assert b"warn_unused_result" in result.stderr


def test_macros_have_our_prefix(installed):
    """All macros that the standard headers do not define begin with our prefix."""
    def macros(text):
        listing = subprocess.run(["gcc", "-std=c99", "-dM", "-E", "-x", "c", "-",
                                  *installed.pkg_config("--cflags")], input=text.encode(),
                                 check=True, stdout=subprocess.PIPE).stdout.decode()
        return set(re.findall(r"^#define (\w+)", listing, re.M))
    standard = macros("#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n")
    ours = macros("#include <layerpipe.h>\n") - standard
    assert ours
    assert not [name for name in ours if not name.startswith(("LPIPE_", "LAYERPIPE_"))]


def test_names_have_our_prefix(installed):
    """Checks the functions, types, tags and constants of every header."""
    for header in installed.headers:
        with open(f"{installed.prefix}/include/{header}", encoding="ascii") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        declared = re.findall(r"(?:struct|enum) (\w+)\s*\{", text)
        declared += re.findall(r"\btypedef struct \w+ (\w+);", text)
        declared += re.findall(r"^LPIPE_API[^;(]*?(\w+)\s*\(", text, re.M)
        constants = re.findall(r"^\s*(\w+) = [-\d(]", text, re.M)
        assert all(name.startswith("lpipe_") for name in declared), header
        assert all(name.startswith("LPIPE_") for name in constants), header
