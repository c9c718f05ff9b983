# SPDX-License-Identifier: Apache-2.0
"""Python: signals, threads and processes, and the end of the interpreter."""
import os
import signal
import sys

import pytest
from cli_support import LIMIT_S, make_tar, wait_drained, wait_until
from registry import Fault

# Prints the exception that ends a push of the first argument, and the threads that are left. One blob at
# a time: a session that a cancelled POST has opened is not known, so nobody can delete it.
PUSH = """
import os, signal, sys, layerpipe
def ends(number, frame):
    raise SystemExit("signal %d" % number)
signal.signal(signal.SIGTERM, ends)
signal.signal(signal.SIGUSR1, lambda number, frame: print("handled", flush=True))
def source():
    yield open(sys.argv[2], "rb").read()
try:
    with layerpipe.Client(jobs=1) as client:
        layerpipe.push(sys.argv[1], [source()], client=client)
        print("pushed")
except BaseException as error:
    print(type(error).__name__, error)
print("threads", len(os.listdir("/proc/self/task")))
"""


@pytest.fixture
def stalled(registry):
    """A registry that does not answer the end of an upload, and the fault that waits."""
    stall = Fault("commit", "stall", times=None)
    return registry("d28", stall), stall


def check_nothing_is_left(server):
    wait_until(lambda: len(server.open_sessions()) == 0)
    assert server.tags() == {} and server.blobs() == []


@pytest.mark.parametrize("number, printed", [(signal.SIGINT, "KeyboardInterrupt"),
                                             (signal.SIGTERM, "SystemExit signal 15")])
def test_signal_ends_a_push(script, stalled, tar_file, number, printed):
    server, stall = stalled
    process = script(PUSH, f"{server.host}/python:1", tar_file)
    assert stall.reached.wait(LIMIT_S)
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT_S)
    assert [line.strip() for line in out.splitlines()] == [printed, "threads 1"], err
    check_nothing_is_left(server)


def test_handler_that_returns_does_not_end_a_push(script, stalled, tar_file):
    server, stall = stalled
    process = script(PUSH, f"{server.host}/python:1", tar_file)
    assert stall.reached.wait(LIMIT_S)
    process.send_signal(signal.SIGUSR1)
    assert process.stdout.readline() == "handled\n"  # while the push waits
    stall.release()
    out, err = process.communicate(timeout=LIMIT_S)
    assert out == "pushed\nthreads 1\n", err
    assert server.tags("python")


@pytest.mark.parametrize("opened", ["0", "sys.stdin.buffer", "[sys.stdin.buffer.readline(), sys.stdin.buffer][1]"],
                         ids=["descriptor", "file", "file that was read"])
def test_interrupt_ends_a_wait_for_a_pipe(script, registry, opened):
    server = registry()
    process = script(f"""
import os, sys, layerpipe
try:
    layerpipe.push(sys.argv[1], [{opened}])
except KeyboardInterrupt:
    print("threads", len(os.listdir("/proc/self/task")))
""", f"{server.host}/python:1")
    tar = make_tar({"a": b"1"})[:512].decode()
    process.stdin.write(("line\n" if "readline" in opened else "") + tar)
    process.stdin.flush()
    wait_drained(process.stdin, process)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "threads 1\n", process.stderr.read()
    check_nothing_is_left(server)


def test_interrupt_of_a_layer(script, stalled):
    server, stall = stalled
    process = script("""
import os, sys, layerpipe
try:
    with layerpipe.Layer(sys.argv[1], raw=True) as layer:
        layer.write(os.urandom(1 << 20))
except KeyboardInterrupt:
    print(layer.closed, "threads", len(os.listdir("/proc/self/task")))
""", f"{server.host}/python")
    assert stall.reached.wait(LIMIT_S)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT_S)
    assert out == "True threads 1\n", err
    check_nothing_is_left(server)


def test_interrupt_of_a_read(script, lp, registry):
    stall = Fault("blob-get", "stall", nth=2)  # the first one is the config
    server = registry()
    lp.push(f"{server.host}/python:1", [make_tar({"a": os.urandom(1 << 20)})])
    server.faults.add(stall)
    process = script("""
import os, sys, layerpipe
try:
    with layerpipe.cat(sys.argv[1]) as file:
        file.read()
except KeyboardInterrupt:
    print("threads", len(os.listdir("/proc/self/task")))
""", f"{server.host}/python:1")
    assert stall.reached.wait(LIMIT_S)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT_S)
    assert out == "threads 1\n", err


@pytest.mark.parametrize("last", [
    "layer.write(os.urandom(1 << 20))",
    "file = layerpipe.cat('oci:' + sys.argv[2]); file.read(5)",
    "threading.Thread(target=layerpipe.push, args=(sys.argv[1] + ':1', [0]), daemon=True).start()"],
    ids=["layer", "reader", "daemon"])
def test_interpreter_ends_with_open_objects(script, lp, registry, tmp_path, last):
    """It does not hang and does not crash."""
    lp.push(f"oci:{tmp_path}/layout:1", [make_tar({"a": os.urandom(1 << 20)})])
    server = registry()
    process = script(f"""
import os, sys, threading, layerpipe
client = layerpipe.Client(progress=lambda event: None)
layer = layerpipe.Layer(sys.argv[1], raw=True, client=client)
layer.write(os.urandom(1 << 20))
layer.flush()
{last}
print("end", flush=True)
""", f"{server.host}/python", f"{tmp_path}/layout:1")
    assert process.stdout.readline() == "end\n"
    process.wait(LIMIT_S)
    assert process.returncode == 0, process.stderr.read()
    assert server.blobs() == []


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_push(script, registry, tmp_path, method):
    """Each process has a client of its own, also while the parent has an open layer."""
    server = registry()
    tar = tmp_path / "tar"
    tar.write_bytes(make_tar({"a": b"1"}))
    process = script(f"""
import multiprocessing, sys, layerpipe
def push(number):
    return layerpipe.push("{server.host}/python:%d" % number, ["{tar}"]).digest
if __name__ == "__main__":
    multiprocessing.set_start_method("{method}")
    with layerpipe.Client() as client:
        layer = layerpipe.Layer("{server.host}/python", raw=True, client=client)
        layer.write(bytes(1000000))
        layer.flush()
        with multiprocessing.Pool(2) as pool:
            print(len(pool.map(push, range(4))))
        print(layer.finish().size > 0)
""")
    out, err = process.communicate(timeout=LIMIT_S)
    assert out == "4\nTrue\n", err
    assert set(server.tags("python")) == {"0", "1", "2", "3"}


def test_client_of_the_parent_is_refused_in_a_child(script, registry):
    server = registry()
    process = script("""
import os, sys, layerpipe
client = layerpipe.Client()
layerpipe.write_layer(sys.argv[1], b"x" * 1000, raw=True, client=client)
child = os.fork()
if child == 0:
    try:
        layerpipe.write_layer(sys.argv[1], b"x" * 1000, raw=True, client=client)
    except layerpipe.Error as error:
        print(error.status, flush=True)
    del client
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(layerpipe.write_layer(sys.argv[1], b"y", raw=True, client=client).uncompressed_size)
""", f"{server.host}/python")
    out, err = process.communicate(timeout=LIMIT_S)
    assert out == "INVALID_STATE\n1\n", err


def test_child_that_exits_does_not_disturb_the_parent(script, stalled, tar_file):
    """A child of fork() has the clients of its parent when it exits."""
    server, stall = stalled
    process = script("""
import os, sys, threading, time, layerpipe
client = layerpipe.Client()
thread = threading.Thread(target=layerpipe.push, args=(sys.argv[1], [sys.argv[2]]), kwargs={"client": client})
thread.start()
sys.stdin.readline()
child = os.fork()
if child == 0:
    client.cancel()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
before = time.process_time()
print("child", flush=True)
thread.join()
print(time.process_time() - before < 5, layerpipe.inspect(sys.argv[1], client=client)["size"] > 0)
""", f"{server.host}/python:1", tar_file)
    assert stall.reached.wait(LIMIT_S)
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "child\n", process.stderr.read()
    stall.release()
    out, err = process.communicate(timeout=LIMIT_S)
    assert out == "True True\n", err


def test_memory_does_not_grow(script, registry):
    """References, handles, threads and descriptors of many calls, good ones and failed ones."""
    server = registry()
    process = script("""
import gc, io, os, sys, tracemalloc, layerpipe
tar = open("/dev/stdin", "rb").read()
def failing():
    yield tar[:600]
    raise KeyError
def once():
    with layerpipe.Client(progress=lambda event: None, log=lambda level, line: None) as client:
        result = layerpipe.push("null:", [tar, io.BytesIO(tar)], client=client, env={"A": "B"}, tags=["x"])
        for source in (failing(), tar[:700], b"x" * 600):
            try:
                layerpipe.push("null:", [source], client=client)
            except (KeyError, layerpipe.Error):
                pass
    with layerpipe.Layer("null:") as layer:
        layer.write(tar)
    layerpipe.Layer("null:").write(tar)
    layerpipe.parse_reference("a:b")
    try:
        layerpipe.push("null:", [tar], compress="x")
    except layerpipe.UsageError:
        pass
    reader = layerpipe.cat(sys.argv[1])
    reader.read(100)
    reader = None
    layerpipe.inspect(sys.argv[1])
def state():
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return (pages * 4096, tracemalloc.get_traced_memory()[0], len(os.listdir("/proc/self/fd")),
            len(os.listdir("/proc/self/task")))
layerpipe.push(sys.argv[1], [tar])
tracemalloc.start()
for _ in range(20):
    once()
before = state()
for _ in range(60):
    once()
after = state()
print(after[0] - before[0] < 8 << 20, after[1] - before[1] < 60000, after[2:] == before[2:], before, after)
""", f"{server.host}/python:1")
    out, err = process.communicate(make_tar({"a": b"1" * 3000}).decode(), timeout=LIMIT_S)
    assert out.startswith("True True True"), (out, err)


def test_import_is_quick_and_starts_no_thread(script):
    process = script("import os, sys; before = set(sys.modules); import layerpipe; "
                     "print(len(os.listdir('/proc/self/task')), 'asyncio' in sys.modules)")
    assert process.communicate(timeout=LIMIT_S)[0] == "1 False\n"
    assert sys.version_info >= (3, 9)
