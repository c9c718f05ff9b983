# SPDX-License-Identifier: Apache-2.0
"""login and logout: credentials are tested, then stored where the configuration says. The file
stays complete and private."""
import json
import os
import stat

import pytest
from auth_support import CANARY, Helpers, assert_absent, basic, entry, write_config
from registry import Auth

USERS = {"user": CANARY}


def login(run, server, *options, password=CANARY, user="user", env=None, host=None):
    return run("login", *options, "--username", user, "--password-stdin", server.host if host is None else host,
               input=password.encode(), env={**server.environment, **(env or {})})


@pytest.fixture
def home(command):
    return command.home


@pytest.fixture
def config(home):
    return home / ".docker" / "config.json"


@pytest.fixture
def helpers(tmp_path):
    return Helpers(tmp_path / "helpers")


@pytest.fixture(params=["basic", "bearer"])
def server(request, registry):
    return registry("d28", auth=Auth(request.param, users=USERS))


def test_password_is_tested_and_stored(server, run, config):
    result = login(run, server)
    assert result.rc == 0, result
    assert json.loads(config.read_text()) == {"auths": {server.host: entry()}}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert os.listdir(config.parent) == ["config.json"]
    assert result.stdout == ""
    assert str(config) in result.stderr and "without encryption" in result.stderr
    assert f"logged in to {server.host} as user" in result.stderr
    assert_absent(result.stderr, CANARY)
    assert login(run, server, "-q").stderr == ""


def test_wrong_password_is_not_stored(server, run, config):
    result = login(run, server, password="wrong" + CANARY)
    assert result.rc == 4
    assert not config.exists()
    assert len(result.stderr.splitlines()) == 1 and server.host in result.stderr
    assert_absent(result.stderr, "wrong" + CANARY)
    with_password = [request for request in server.journal
                     if request.headers.get("authorization", "").startswith("Basic")]
    assert len(with_password) == 1, "accounts are locked for a few wrong passwords"


def test_wrong_password_does_not_replace_stored_one(server, run, home, config):
    before = json.dumps({"auths": {server.host: entry()}})
    write_config(home, before)
    assert login(run, server, password="wrong").rc == 4
    assert config.read_text() == before


def test_password_is_stored_when_registry_needs_none(registry, run, config):
    """docker stores it, too. The command warns that the password was not tested."""
    server = registry("d28")
    result = login(run, server)
    assert result.rc == 0
    assert "could not be tested" in result.stderr
    assert server.host in json.loads(config.read_text())["auths"]
    assert all("authorization" not in request.headers for request in server.journal)


def test_other_content_of_file_is_kept(server, run, home, config):
    others = {"psFormat": "table {{.ID}}", "HttpHeaders": {"X": "y"}, "auths": {
        "other.example": {"auth": basic("o", "p"), "email": "o@other.example"},
        "https://index.docker.io/v1/": {}}, "credHelpers": {"third.example": "x"},
        "proxies": {"default": {"noProxy": "a,b"}}}
    write_config(home, json.dumps(others, indent="\t"))
    os.chmod(config, 0o644)
    assert login(run, server).rc == 0
    found = json.loads(config.read_text())
    assert found["auths"].pop(server.host) == entry()
    assert found == others
    assert list(found) == list(others), "the order of keys"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    result = run("logout", server.host)
    assert result.rc == 0, result
    assert json.loads(config.read_text()) == others


def test_entries_with_other_spelling_of_host_are_replaced(server, run, home, config):
    write_config(home, {"auths": {f"http://{server.host}/v1/": entry("old", "old"),
                                  server.host: entry("older", "older")}})
    assert login(run, server).rc == 0
    assert json.loads(config.read_text())["auths"] == {f"http://{server.host}/v1/": entry()}


def test_symlink_to_file_is_kept(server, run, home, config):
    real = write_config(home, {}, "dotfiles/docker.json")
    config.parent.mkdir()
    config.symlink_to(real)
    assert login(run, server).rc == 0
    assert config.is_symlink()
    assert server.host in json.loads(real.read_text())["auths"]


def test_symlink_to_missing_file_is_kept(server, run, home, config):
    (home / "dotfiles").mkdir()
    config.parent.mkdir()
    config.symlink_to("../dotfiles/docker.json")
    assert login(run, server).rc == 0
    assert os.readlink(config) == "../dotfiles/docker.json"
    assert server.host in json.loads((home / "dotfiles" / "docker.json").read_text())["auths"]


@pytest.mark.parametrize("where", ["authfile", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG"])
def test_file_is_chosen_by_option_and_environment(where, server, run, home, config, tmp_path):
    path = tmp_path / "some" / "where" / "config.json"
    options = ["--authfile", path] if where == "authfile" else []
    env = {"REGISTRY_AUTH_FILE": str(path)} if where == "REGISTRY_AUTH_FILE" else \
        {"DOCKER_CONFIG": str(path.parent)} if where == "DOCKER_CONFIG" else {}
    result = login(run, server, *options, env=env)
    assert result.rc == 0, result
    assert json.loads(path.read_text()) == {"auths": {server.host: entry()}}
    assert not config.exists()
    assert str(path) in result.stderr
    assert run("logout", *options, server.host, env=env).rc == 0
    assert json.loads(path.read_text()) == {"auths": {}}
    result = run("logout", *options, server.host, env=env)
    assert result.rc == 5 and str(path) in result.stderr


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_helper_stores_and_erases_password(key, server, run, home, config, helpers):
    store = helpers.keeper()
    write_config(home, {key: "keeper" if key == "credsStore" else {server.host: "keeper"}})
    before = config.read_text()
    result = login(run, server, env=helpers.environment)
    assert result.rc == 0, result
    assert "docker-credential-keeper" in result.stderr
    assert config.read_text() == before
    kept = json.loads((store / server.host).read_text())
    assert kept == {"ServerURL": server.host, "Username": "user", "Secret": CANARY}
    assert run("logout", server.host, env=helpers.environment).rc == 0
    assert os.listdir(store) == []
    assert run("logout", server.host, env=helpers.environment).rc == 5
    assert helpers.calls() == ["store", "erase", "erase"]


def test_missing_helper_fails_and_file_is_unchanged(server, run, home, config):
    """The password is not stored in the file in place of the helper."""
    write_config(home, {"credsStore": "missing"})
    before = config.read_text()
    result = login(run, server)
    assert result.rc == 4 and "docker-credential-missing" in result.stderr
    assert config.read_text() == before


def test_failing_helper_fails_and_file_is_unchanged(server, run, home, config, helpers):
    helpers.add("broken", f"cat; echo {CANARY} >&2; exit 1")
    write_config(home, {"credsStore": "broken"})
    before = config.read_text()
    result = login(run, server, env=helpers.environment)
    assert result.rc == 4 and "docker-credential-broken" in result.stderr
    assert_absent(result.stderr, CANARY)
    assert config.read_text() == before


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": 7}', '{"auths": {}, "auths": {}}'])
def test_malformed_file_fails_and_is_unchanged(text, server, run, home, config):
    write_config(home, text)
    result = login(run, server)
    assert result.rc not in (0, 4)
    assert str(config) in result.stderr and len(result.stderr.splitlines()) == 1
    assert config.read_text() == text


def test_directory_that_cannot_be_created_fails(server, run, home):
    (home / ".docker").write_text("a file")
    result = login(run, server)
    assert result.rc == 8, result
    assert ".docker" in result.stderr


@pytest.mark.parametrize("user", ["", "a:b", "a\nb"])
def test_invalid_user_name_is_wrong_usage(user, server, run):
    result = login(run, server, user=user)
    assert result.rc == 2
    assert len(server.journal) == 0


@pytest.mark.parametrize("password", ["", "two\nlines", "nul\0byte"])
def test_invalid_password_is_wrong_usage(password, server, run):
    assert login(run, server, password=password).rc == 2
    assert len(server.journal) == 0


@pytest.mark.parametrize("password", ["päss wörd", "\"quoted\\\"", "<token>", ":", "a" * 4000])
def test_unusual_password_works_and_is_stored(password, registry, run, config):
    server = registry("d28", auth=Auth("basic", users={"user": password}))
    assert login(run, server, password=password + "\n").rc == 0
    assert json.loads(config.read_text())["auths"][server.host] == entry(password=password)


@pytest.mark.parametrize("name", ["127.0.0.1/path", "https://127.0.0.1:1/a/b", "", "a b", "-x",
                                  "user@127.0.0.1"])
def test_invalid_registry_name_is_wrong_usage(name, run, registry):
    server = registry("d28")
    result = login(run, server, host=name)
    assert result.rc == 2, result
    assert len(server.journal) == 0


def test_registry_name_with_scheme_and_v1_path_is_accepted(server, run, config):
    assert login(run, server, host=f"http://{server.host}/v1/").rc == 0
    assert list(json.loads(config.read_text())["auths"]) == [server.host]


def test_password_is_read_from_descriptor(server, command, config):
    read, write = os.pipe()
    os.write(write, CANARY.encode() + b"\n")
    os.close(write)
    done = command("login", "--username", "user", "--password-fd", read, server.host,
                   pass_fds=[read])
    os.close(read)
    assert done.returncode == 0, done
    assert server.host in json.loads(config.read_text())["auths"]


def test_empty_HOME_fails_and_names_authfile_option(server, run, config):
    result = login(run, server, env={"HOME": ""})
    assert result.rc == 8 and "--authfile" in result.stderr
