# SPDX-License-Identifier: Apache-2.0
"""What the command shows while it pushes over a slow line, against what the line itself has counted.
No test depends on speed: the line stops at a byte, and the tests wait until that is shown."""
import contextlib
import os
import re
import signal
import subprocess
import threading

import pytest
from cli_support import COMMAND, is_sanitized, make_tar
from servers import SlowLine
from terminal import Terminal, screen

MB = 1000 * 1000
UNITS = {"B": 1, "kB": 1000, "MB": MB}
CLOCK = os.path.join(os.path.dirname(COMMAND), "tests", "fast_clock.so")


def size(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


def total(lines):
    """Bytes that the last line says were sent."""
    return size(re.match(r"total  ([\d.]+ \w+) sent", lines[-1]).group(1))


def is_stalled(text):
    """Whether this is shown for the first blob and for all together."""
    lines = text.split("\n")
    return "stalled" in lines[0] and "stalled" in lines[-1]


def assert_near(shown, counted):
    """10 % and, for what the system itself holds, half a MB."""
    assert abs(shown - counted) <= 0.1 * counted + MB / 2, (shown, counted)


@pytest.fixture
def tars(tmp_path):
    """Makes tars of random bytes, which do not compress."""
    def make(*sizes):
        paths = []
        for number, count in enumerate(sizes):
            paths.append(tmp_path / f"part{number + 1}.tar")
            paths[-1].write_bytes(make_tar({"data": os.urandom(count)}))
        return paths
    return make


@pytest.fixture
def line(docker_registry):
    """line(...): a SlowLine to Debian's docker-registry."""
    running = []

    def start(**options):
        running.append(SlowLine(docker_registry().port, **options))
        return running[-1]

    yield start
    for slow in running:
        slow.stop()


@pytest.fixture
def push(command):
    """push(terminal, server, ...): starts a push that draws on the terminal."""
    running = []

    def start(terminal, server, *args):
        running.append(command.start("push", "--progress", "tty", "--compress", "none",
                                     "--look-first=never", *args[:-1], f"{server.host}/a/b:1",
                                     *args[-1], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=terminal.theirs))
        return running[-1]

    yield start
    for process in running:
        process.stdout.close()
        process.kill()
        process.wait()


def test_facts_agree_with_the_line(push, line, tars):
    """Bytes sent, percent, acknowledged bytes, and that nothing moves."""
    terminal = Terminal()
    slow = line()
    slow.stop_at(12 * MB)
    process = push(terminal, slow, tars(40 * MB))
    lines = terminal.await_frame(is_stalled)
    assert_near(total(lines), slow.sent)
    shown = re.fullmatch(r"1 part1.tar +40.0 MB -> 40.0 MB +\[=+> +\] +(\d+)%  stalled \d s",
                         lines[0])
    assert shown, lines
    assert_near(float(shown.group(1)) / 100 * 40 * MB, slow.sent)
    stalled = terminal.await_frame(lambda text: "stalled 4 s" in text.split("\n")[0])
    assert total(stalled) == total(lines)
    slow.stop_at(30 * MB)  # the first chunk of 16 MiB is acknowledged
    lines = terminal.await_frame(lambda text: "16.8 MB acknowledged" in text and is_stalled(text))
    assert_near(total(lines), slow.sent)
    slow.stop_at(None)
    assert process.wait() == 0
    left = screen(terminal.close())
    assert "layerpipe: layer 1 part1.tar: 40.0 MB -> 40.0 MB, sha256:" in "\n".join(left)
    assert re.match(r"layerpipe: 40.0 MB sent in [\d.]+ s \([\d.]+ .B/s\), blobs: 2 new$", left[-1])
    assert max(map(len, left)) < 80
    assert_near(40 * MB, slow.sent)


def test_rate_is_that_of_the_line(push, line, tars):
    """The speed that is shown lies between the slowest and the fastest of any three seconds."""
    terminal = Terminal()
    slow = line(rate=4 * MB)
    push(terminal, slow, tars(60 * MB))
    before = terminal.await_frame(lambda text: total(text.split("\n")) > 4 * MB)
    counted = slow.sent
    after = terminal.await_frame(lambda text: total(text.split("\n")) > total(before) + 8 * MB)
    rate = size(re.search(r"([\d.]+ .B)/s", after[-1]).group(1))
    seconds = [int(re.search(r"0:(\d+) elapsed", lines[-1]).group(1)) for lines in (before, after)]
    longest = (slow.sent - counted) / max(seconds[1] - seconds[0] - 1, 1)
    shortest = (total(after) - total(before)) / (seconds[1] - seconds[0] + 1)
    assert 0.5 * shortest < rate < 2 * longest, (before, after)
    assert re.search(r"B/s  0:\d\d$", after[0]), after
    terminal.close()


def test_each_of_five_layers_has_its_line(push, line, tars):
    terminal = Terminal()
    slow = line()
    slow.stop_at(10 * MB)
    process = push(terminal, slow, "--jobs", "5", tars(*[10 * MB] * 5))
    lines = terminal.await_frame(lambda text: text.count("stalled") >= 5)
    assert [re.match(r"\d part\d.tar", text).group() for text in lines[:5]] == \
        [f"{n} part{n}.tar" for n in range(1, 6)]
    assert len(lines) == 6
    assert max(map(len, lines)) < 80
    slow.stop_at(None)
    assert process.wait() == 0
    assert screen(terminal.close())[-1].endswith("blobs: 6 new")


def test_bytes_that_are_sent_again_are_counted(push, line, tars):
    terminal = Terminal()
    slow = line()
    slow.break_at(10 * MB)
    process = push(terminal, slow, "--upload", "chunked", tars(30 * MB))
    assert process.wait() == 0
    left = screen(terminal.close())
    shown = re.match(r"layerpipe: ([\d.]+ MB) sent in .*, ([\d.]+ MB) of it again", left[-1])
    assert shown, left
    assert_near(size(shown.group(1)), slow.sent)
    assert_near(size(shown.group(2)), slow.sent - 30 * MB)


def test_lines_follow_the_width_of_the_window(push, line, tars):
    terminal = Terminal(columns=80)
    slow = line()
    slow.stop_at(3 * MB)
    process = push(terminal, slow, tars(10 * MB))
    terminal.await_frame(is_stalled)
    longest = {}
    for columns in (80, 40, 120, 24, 80):
        terminal.resize(columns)
        lines = terminal.await_frame(
            lambda text: text.startswith("1 ") and max(map(len, text.split("\n"))) < columns)
        longest[columns] = max(map(len, terminal.await_frame(lambda text: text.startswith("1 "))))
        assert_near(total(lines), slow.sent)
    assert longest[24] < 24 < longest[40] < 40 < longest[80] < 80 < longest[120] < 120
    slow.stop_at(None)
    assert process.wait() == 0
    left = screen(terminal.close())
    assert all(text.startswith("layerpipe: ") for text in left), left


def test_interrupt_leaves_the_lines_that_stay(push, line, tars):
    terminal = Terminal()
    slow = line()
    slow.stop_at(3 * MB)
    process = push(terminal, slow, tars(10 * MB))
    terminal.await_frame(lambda text: "part1" in text)
    os.write(terminal.theirs, b"^C")  # as the terminal itself shows it
    process.send_signal(signal.SIGINT)
    slow.stop_at(None)
    assert process.wait() == -signal.SIGINT
    left = screen(terminal.close())
    assert left[-1] == "layerpipe: interrupted by SIGINT"
    assert all(text.startswith("layerpipe: ") for text in left), left


def test_lines_of_another_program_are_not_erased(push, line, tars):
    """The producer of a stream writes its errors to the same terminal."""
    terminal = Terminal()
    slow = line()
    slow.stop_at(3 * MB)
    process = push(terminal, slow, tars(10 * MB))
    terminal.await_frame(lambda text: "part1" in text)
    os.write(terminal.theirs, b"tar: file changed as we read it\x1b[K\n")
    terminal.await_frame(lambda text: "part1" in text)
    slow.stop_at(None)
    assert process.wait() == 0
    assert "tar: file changed as we read it" in screen(terminal.close())


def test_a_failure_leaves_its_line(push, line, tars):
    terminal = Terminal()
    slow = line()
    slow.stop_at(3 * MB)
    process = push(terminal, slow, "--retry", "0", tars(10 * MB))
    terminal.await_frame(lambda text: "part1" in text)
    slow.await_sent(3 * MB)  # before that the first request, or the one over https, may break
    for _ in range(20):
        slow.break_at(0)  # each connection from now on
    slow.stop_at(None)
    assert process.wait() == 6
    left = screen(terminal.close())
    assert all(text.startswith("layerpipe: ") for text in left), left
    # The reset can also arrive as the end of the connection, or while bytes are sent.
    assert any(cause in left[-1] for cause in ("reset", "ended without an answer", "Broken pipe")), left


def test_copy_shows_its_blobs(command, line, docker_registry, tars):
    """What is copied has a size from the start."""
    terminal = Terminal()
    slow = line()
    source = docker_registry()
    pushed = command("push", "-q", "--compress", "none", f"{source.host}/a/b:1", *tars(10 * MB))
    assert pushed.returncode == 0
    slow.stop_at(4 * MB)
    with command.start("copy", "--progress", "tty", f"{source.host}/a/b:1", f"{slow.host}/c/d:1",
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=terminal.theirs) as process:
        lines = terminal.await_frame(is_stalled)
        assert re.match(r"\S+ \S+ +10.0 MB +\[=+> +\] +\d\d%  stalled", lines[0]), lines
        assert_near(total(lines), slow.sent)
        slow.stop_at(None)
        assert process.wait() == 0
    left = screen(terminal.close())
    assert re.search(r"10.0 MB sent in .*, blobs: 2 new$", left[-1])
    # The digest is the name of a copied blob, so it is there once.
    assert any(re.match(r"layerpipe: blob: 10.0 MB, sha256:\w{12}, [\d.]+ s$", text) for text in left), left


def test_plain_lines_become_rarer(command):
    """Without a terminal: after 10, 30 and 70 s, then each minute. The clock runs faster."""
    if is_sanitized():
        pytest.skip("the sanitizers must be loaded first")
    with command.start("layer", "null:", "-", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, env={"LD_PRELOAD": CLOCK}) as process:
        lines = [process.stderr.readline().decode() for _ in range(5)]
        process.stdin.close()
        process.stderr.read()
    times = []
    for text in lines:
        minutes, seconds = re.match(r"layerpipe: (\d+):(\d\d): 0 B made, stalled \d+ s", text).groups()
        times.append(int(minutes) * 60 + int(seconds))
    for shown, wanted in zip(times, (10, 30, 70, 130, 190)):
        assert shown >= wanted, times
    steps = [after - before for before, after in zip(times, times[1:])]
    assert all(step >= wanted - 1 for step, wanted in zip(steps, (20, 40, 60, 60))), times


@pytest.fixture
def zeros():
    """zeros(file): writes zero bytes into the file, in a thread, until a test is over."""
    threads = []
    over = threading.Event()

    def feed(file):
        with contextlib.suppress(BrokenPipeError):
            while not over.is_set():
                file.write(bytes(1 << 20))

    def start(file):
        threads.append(threading.Thread(target=feed, args=(file,)))
        threads[-1].start()

    yield start
    over.set()
    for thread in threads:
        thread.join()


def test_a_layer_that_is_read_is_not_stalled(command, docker_registry, zeros):
    """Zeros become so few bytes that for minutes nothing is sent."""
    terminal = Terminal()
    host = docker_registry().host
    with command.start("layer", "--raw", "--progress", "tty", f"{host}/a", "-", stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, stderr=terminal.theirs) as process:
        zeros(process.stdin)
        terminal.await_frame(lambda text: "0:04 elapsed" in text)
        process.kill()
    terminal.close()
    for lines in terminal.frames():
        assert "stalled" not in lines[-1] or "stalled" in lines[0], lines


def test_plain_lines_say_what_is_read(command, docker_registry, zeros):
    if is_sanitized():
        pytest.skip("the sanitizers must be loaded first")
    host = docker_registry().host
    with command.start("layer", "--raw", f"{host}/a", "-", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, env={"LD_PRELOAD": CLOCK}) as process:
        zeros(process.stdin)
        # The first lines may come before the first byte.
        said = [process.stderr.readline().decode() for _ in range(5)]
        process.kill()
    assert any(re.match(r"layerpipe: \d+:\d\d: 0 B sent, .*, layer [\d.]+ \wB read$", line) for line in said), said


def test_plain_progress_names_what_is_sent(command, line, tmp_path):
    """One line for each blob that has ended, and the sum."""
    slow = line()
    path = tmp_path / "part1.tar"
    path.write_bytes(make_tar({"data": os.urandom(6 * MB)}))
    with command.start("push", "--compress", "none", "--look-first=never",
                       f"{slow.host}/a/b:1", path, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        said = process.stderr.read().decode().splitlines()
        assert process.wait() == 0
    said = [text for text in said if not re.match(r"layerpipe: \d:\d\d: ", text)]
    assert len(said) == 4, said
    assert "\x1b" not in "".join(said)
    assert any(re.match(r"layerpipe: layer 1 part1.tar: 6.0 MB -> 6.0 MB, sha256:\w{12}, [\d.]+ s$",
                        text) for text in said), said
    assert re.match(r"layerpipe: 6.0 MB sent in [\d.]+ s", said[-1])


def test_cat_shows_what_it_has_written(command, docker_registry, tars, tmp_path):
    """stdout has the data; progress is on stderr, also while nobody reads the data."""
    terminal = Terminal()
    source = docker_registry()
    pushed = command("push", "-q", "--compress", "none", f"{source.host}/a/b:1", *tars(10 * MB))
    assert pushed.returncode == 0
    with command.start("cat", "--progress", "tty", f"{source.host}/a/b:1", stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=terminal.theirs) as process:
        lines = terminal.await_frame(lambda text: "stalled" in text)
        assert re.match(r"total  [\d.]+ .?B written, stalled \d+ s, 0:\d\d elapsed$", lines[-1]), lines
        assert re.match(r"waiting for the reader of stdout \d+ s$", lines[0]), lines
        data = process.stdout.read()
        assert process.wait() == 0
    left = screen(terminal.close())
    assert re.match(rf"layerpipe: {len(data) / MB:.1f} MB written in [\d.]+ s", left[-1]), left
    assert len(left) == 1


def test_index_ends_with_a_sum(command, docker_registry, tars):
    """The blobs of the images that are copied to the index's repository are mounted."""
    server = docker_registry()
    pushed = command("push", "-q", "--compress", "none", f"{server.host}/a/b:1", *tars(1 * MB))
    assert pushed.returncode == 0
    made = command("index", f"{server.host}/c/d:1", f"{server.host}/a/b:1")
    assert made.returncode == 0
    left = made.stderr.decode().splitlines()
    assert re.match(r"layerpipe: 0 B sent in [\d.]+ s.*, blobs: 2 mounted$", left[-1]), left
    assert max(map(len, left)) < 80
