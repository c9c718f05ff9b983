# SPDX-License-Identifier: Apache-2.0
"""layerpipe cat flattens an image: the tar has what a container sees."""
import gzip
import io
import os
import subprocess
import tarfile

import pytest
from image_support import Base
from inputs import sha256
from layer_model import LayerWriter, view
from odd_images import random_layers, repeating_layers, write

REPOSITORY = "cat/image"


@pytest.fixture
def cat(command, registry):
    """Flattens an image of these layers."""
    server = registry("d28")

    def flatten(*layers, options=(), base=None, code=0):
        reference = (base or Base(list(layers))).put(server, REPOSITORY, "1")
        result = command("cat", *options, reference)
        assert result.returncode == code, result.stderr
        return result if code else result.stdout
    flatten.server = server
    return flatten


def names(tar):
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return archive.getnames()


def check(cat, *layers):
    flat = cat(*layers)
    assert view(flat) == view(*layers)
    assert flat.endswith(bytes(1024)) and len(flat) % 512 == 0
    return flat


def layer(*entries):
    """Names with a slash at the end are directories."""
    writer = LayerWriter()
    for entry in entries:
        name, data = entry if isinstance(entry, tuple) else (entry, entry.encode())
        if name.endswith("/"):
            writer.directory(name)
        else:
            writer.add(name, data)
    return writer.end()


def test_one_layer_is_kept_byte_for_byte(cat):
    tar = layer("a/", "a/b", ("c", b"x" * 5000))
    flat = cat(tar)
    assert tar.startswith(flat[:-1024])


def test_higher_layers_win(cat):
    flat = check(cat, layer("d/", "d/a", ("b", b"old")), layer(("b", b"new"), "d/c"))
    assert sorted(names(flat)) == ["b", "d", "d/a", "d/c"]


def test_whiteouts(cat):
    flat = check(cat, layer("d/", "d/a", "d/b", "e/", "e/f/", "e/f/g", "h"),
                 layer("d/.wh.a", ".wh.e", ".wh.h", "i"))
    assert sorted(names(flat)) == ["d", "d/b", "i"]


def test_whiteout_of_its_own_layer_deletes_nothing_of_it(cat):
    """Wherever it stands in its layer."""
    for entries in ((".wh.d", "d/", "d/new"), ("d/", "d/new", ".wh.d")):
        flat = check(cat, layer("d/", "d/old"), layer(*entries))
        assert sorted(names(flat)) == ["d", "d/new"]


def test_opaque_directory(cat):
    for entries in (("d/", "d/.wh..wh..opq", "d/new"), ("d/", "d/new", "d/.wh..wh..opq")):
        flat = check(cat, layer("d/", "d/old", "d/s/", "d/s/t", "e"), layer(*entries))
        assert sorted(names(flat)) == ["d", "d/new", "e"]
    assert names(check(cat, layer("d/", "a"), layer(".wh..wh..opq", "b"))) == ["b"]


def test_file_and_directory_replace_each_other(cat):
    check(cat, layer("p/", "p/a", "q"), layer("p", "q/", "q/b"))
    check(cat, layer("p/", "p/a"), layer("p"), layer("p/", "p/b"))
    check(cat, layer("p/", "p/a"), layer("p"), layer("p/b"))
    check(cat, layer("p/", "p/a"), layer(".wh.p"), layer("p/b"))


def test_directory_has_its_highest_metadata(cat):
    low = LayerWriter().directory("d", mode=0o700, uid=1).add("d/a").end()
    high = LayerWriter().directory("d", mode=0o2755, uid=2, mtime=77).end()
    check(cat, low, high)
    check(cat, low, layer("d/b"))


def test_names_are_cleaned_to_compare_them(cat):
    check(cat, layer("./a", "b/", "b//c", "./d/", "d/e"), layer("a", "./b/c", ".//d/./e"))


def test_absolute_names_and_dots_are_rewritten(cat):
    tar = LayerWriter().add("/etc/a").add("x/../b").link("c", "/etc/a").directory("/v/").end()
    flat = cat(tar)
    with tarfile.open(fileobj=io.BytesIO(flat)) as archive:
        assert [(m.name, m.linkname) for m in archive] == [
            ("etc/a", ""), ("b", ""), ("c", "etc/a"), ("v", "")]


@pytest.mark.parametrize("name", ["../a", "a/../../b"])
def test_names_that_lead_out_are_refused(cat, name):
    result = cat(layer("ok", name), code=3)
    assert b"leads out of the image" in result.stderr and b"layer 1" in result.stderr


def test_headers_stay_as_they_are(cat):
    records = {"SCHILY.xattr.user.a": "value", "mtime": "5.25", "VENDOR.x": "y"}
    writer = LayerWriter().add("n" * 150 + "/" + "m" * 150, b"1", pax_headers=records)
    writer.add("big", uid=3000000, gid=4000000, uname="u" * 40)
    writer.add("dev", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    writer.add("fifo", type=tarfile.FIFOTYPE).symlink("s", "../../out")
    tar = writer.end()
    assert tar.startswith(cat(tar)[:-1024])
    gnu = LayerWriter(tarfile.GNU_FORMAT).add("n" * 300, b"1").link("k", "n" * 300).end()
    assert gnu.startswith(cat(gnu)[:-1024])


def test_global_headers_change_nothing(cat):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT,
                      pax_headers={"comment": "abc"}) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    flat = cat(file.getvalue())
    assert names(flat) == ["a"] and b"comment" not in flat


def test_hard_links_within_a_layer(cat):
    check(cat, LayerWriter().add("a", b"1").link("b", "a").link("c", "./b").end())


def test_hard_link_to_a_lower_layer(cat):
    low = layer(("a", b"low"), "z")
    flat = check(cat, low, LayerWriter().link("b", "a").end(), layer("y"))
    assert names(flat)[-1] == "b"
    check(cat, low, LayerWriter().link("b", "a").end(), LayerWriter().link("c", "b").end())
    check(cat, low, LayerWriter().link("b", "a").link("c", "b").end())


def test_hard_link_whose_target_is_replaced(cat):
    """The link has the old content, the target the new one."""
    low = LayerWriter().add("a", b"old", mode=0o600).link("b", "a").link("c", "a").end()
    check(cat, low, layer(("a", b"new")))
    check(cat, low, layer(".wh.a"))
    check(cat, low, layer(".wh.a"), layer(("a", b"new")))
    check(cat, low, layer(".wh.a"), layer(("b", b"new")))


def test_hard_link_whose_target_is_replaced_comes_from_a_lower_layer(cat):
    low = LayerWriter().add("a", b"old", pax_headers={"SCHILY.xattr.user.k": "v"}).end()
    check(cat, low, LayerWriter().link("b", "a").link("c", "a").end(), layer(("a", b"new")))
    linked = LayerWriter().add("x", b"old").link("a", "x").end()
    check(cat, linked, LayerWriter().link("b", "a").end(), layer(("a", b"new")))
    check(cat, linked, LayerWriter().link("b", "a").end(), layer(".wh.a", ".wh.x"))


def test_hard_link_to_a_hidden_hard_link(cat):
    low = LayerWriter().add("a", b"old").link("b", "a").link("c", "b").end()
    check(cat, low, layer(("b", b"new")))
    check(cat, low, layer(".wh.a", ".wh.b"))


def test_hard_link_with_long_names(cat):
    old, new = "o" * 180, "d/" * 60 + "n" * 120
    low = LayerWriter().add(old, b"old").link(new, old).end()
    check(cat, low, layer((old, b"new")))
    low = LayerWriter(tarfile.GNU_FORMAT).add(old, b"old").link(new, old).link("short", old).end()
    check(cat, low, layer((old, b"new")))


def test_hard_link_without_target_is_refused(cat):
    low, high = layer("a"), LayerWriter().link("b", "gone").end()
    result = cat(low, high, code=3)
    assert b"the hard link b points to gone, which no layer has" in result.stderr


def test_compressed_layers_and_missing_end_marks(cat):
    low, high = layer("a", "b"), layer("b", "c")
    base = Base([low, high])
    for index, data in ((0, gzip.compress(low)), (1, low_zstd(high))):
        base.layers[index] = data
        base.manifest["layers"][index].update(digest=sha256(data), size=len(data))
    assert view(cat(base=base)) == view(low, high)
    cut = low.rstrip(b"\0")
    check(cat, cut + bytes(-len(cut) % 512), high)
    assert view(cat(low, b"")) == view(low)


def low_zstd(data):
    return subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout


def test_tar_cut_off_within_an_entry_is_refused(cat):
    for cut in (512 + 100, 1536, 3000):
        result = cat(layer(("a", b"x" * 3000))[:cut], code=3)
        assert b"cut off" in result.stderr


def test_files_for_lazy_pulls_are_left_out(cat):
    low = layer(".prefetch.landmark", "a", "stargz.index.json")
    assert names(cat(low)) == [".prefetch.landmark", "a", "stargz.index.json"]
    base = Base([low])
    base.manifest["layers"][0]["annotations"] = {
        "containerd.io/snapshot/stargz/toc.digest": "sha256:" + "0" * 64}
    assert names(cat(base=base)) == ["a"]


def test_bytes_behind_the_end_mark_are_left_out(cat):
    """BuildKit's form of eStargz has its table there."""
    flat = cat(layer("a") + layer("stargz.index.json"))
    assert names(flat) == ["a"]


def test_image_without_layers_is_an_empty_tar(cat):
    base = Base([layer("a")])
    base.layers, base.manifest["layers"], base.config["rootfs"]["diff_ids"] = [], [], []
    assert cat(base=base) == bytes(1024)


def describe(tar):
    if not tar:
        return []
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return [(m.name, m.type.decode(), m.linkname) for m in archive]


@pytest.mark.parametrize("seed", range(6))
def test_random_images(cat, seed):
    """Twenty images each, of up to four layers."""
    for number in range(20):
        layers = random_layers(seed * 20 + number)
        assert view(cat(*layers)) == view(*layers), [describe(tar) for tar in layers]


A, B, TO_A, C_TO_B = ("add", "a", b"1"), ("add", "b", b"B"), ("link", "b", "a"), ("link", "c", "b")
A_AGAIN, NO_A, NO_B = ("add", "a", b"2"), ("add", ".wh.a"), ("add", ".wh.b")


@pytest.mark.parametrize("layers", [
    [[A, A_AGAIN], [("link", "c", "a")], [NO_A]],
    [[A, A_AGAIN, TO_A], [NO_A]],
    [[A, TO_A, A_AGAIN, TO_A], [NO_A]],
    [[A, A_AGAIN, TO_A, ("add", "a", b"3"), ("link", "c", "a")], [NO_A]],
    [[A], [TO_A, B]],
    [[A], [TO_A, B], [NO_A]],
    [[A], [TO_A, C_TO_B, B]],
    [[A], [TO_A, ("directory", "b"), ("add", "b/c")]],
    [[A, TO_A, A_AGAIN], [C_TO_B], [NO_B]],
    [[("add", "z")], [A, TO_A, A_AGAIN], [C_TO_B], [NO_B]],
    [[A, TO_A, A_AGAIN], [C_TO_B, ("link", "d", "a")], [NO_A, NO_B]],
])
def test_repeated_entries_and_hard_links(cat, layers):
    """A hard link means what its target was when the link was read, or, from another layer, the last
    entry of its target."""
    check(cat, *[write(entries) for entries in layers])


def test_repeated_entries_that_cannot_be_flattened_are_refused(cat):
    for again in (("link", "b", "y"), B):
        result = cat(write([("add", "x"), ("add", "y")]), write([("link", "b", "x"), again]),
                     write([C_TO_B]), write([NO_B]), code=1)
        assert b"layer 2: the layer has several entries of b" in result.stderr
        assert b"--layer" in result.stderr


def test_many_repeated_entries_and_many_links(cat):
    """Processor time grows with their number, not with its square: it was 30 s for 60,000 of each."""
    def header(name, **fields):
        info = tarfile.TarInfo(name)
        info.type = tarfile.LNKTYPE if fields else tarfile.REGTYPE
        info.linkname = fields.get("link", "")
        return info.tobuf(tarfile.USTAR_FORMAT)
    count = 20000
    file, end = header("a"), bytes(1024)
    links = b"".join(header(f"l{n}", link="a") for n in range(count))
    before = os.times().children_user
    cat(file + end, file * count + end, links + end)
    cat(file + header("b", link="a") + file * count + end, file + end, links + end)
    assert os.times().children_user - before < 4


def test_random_repeated_entries(cat):
    """Whatever the layers repeat, there is the right tar or none."""
    flattened = 0
    for seed in range(60):
        layers = repeating_layers(seed)
        try:
            flat = cat(*layers)
        except AssertionError as refused:
            assert "several entries of" in str(refused), [describe(tar) for tar in layers]
            continue
        assert view(flat) == view(*layers), [describe(tar) for tar in layers]
        flattened += 1
    assert flattened > 50
