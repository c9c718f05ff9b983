# SPDX-License-Identifier: Apache-2.0
"""Input data for tests. The bytes are the same in every run."""
import hashlib
import io
import random
import tarfile


def _header(name, size):
    """A USTAR header, built by hand so that no library version changes its bytes."""
    fields = [name.encode().ljust(100, b"\0"), b"0000600\0", b"0000000\0", b"0000000\0",
              b"%011o\0" % size, b"00000000000\0", b" " * 8, b"0", b"\0" * 100, b"ustar\0", b"00",
              b"\0" * 32, b"\0" * 32, b"0000000\0", b"0000000\0", b"\0" * 155, b"\0" * 12]
    block = b"".join(fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def t1000():
    parts = []
    for number in range(1000):
        body = b"i am file number %d" % number
        parts.append(_header("file-%d.txt" % number, len(body)))
        parts.append(body.ljust(512, b"\0"))
    return b"".join(parts) + bytes(1024)


def random_bytes(size, seed=1):
    return random.Random(seed).randbytes(size)


def random_tar(size, seed=1, files=1):
    """A tar of about `size` bytes that does not compress."""
    source = random.Random(seed)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(files):
            info = tarfile.TarInfo(f"random-{number}")
            info.size = size // files
            tar.addfile(info, io.BytesIO(source.randbytes(info.size)))
    return out.getvalue()


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Zeros(io.RawIOBase):
    """A file object that gives `size` zero bytes."""

    def __init__(self, size):
        super().__init__()
        self.left = size

    def readable(self):
        return True

    def readinto(self, buffer):
        size = min(len(buffer), self.left)
        buffer[:size] = bytes(size)
        self.left -= size
        return size


def tar_ends(size):
    """(bytes before, bytes after) the data of a tar with one file of `size` bytes."""
    info = tarfile.TarInfo("big")
    info.size = size
    head = info.tobuf(tarfile.PAX_FORMAT)
    return head, bytes(-size % 512 + 1024)
