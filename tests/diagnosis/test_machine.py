"""Doctor names what is wrong with this machine, and what to do about it."""

import http.server
import socket
import threading

import pytest

from roadworthy.diagnosis.machine import check_machine, check_port
from roadworthy.plumbing.settings import load_settings, process_locales


def settings(tmp_path, **more):
    return load_settings({"ROADWORTHY_HOME": str(tmp_path), **more})


def faults(checks):
    return {check.name: check for check in checks if not check.ok}


def test_all_is_well(tmp_path):
    assert faults(check_machine(settings(tmp_path), locales={"LANG": "fr_FR.UTF-8"})) == {}


@pytest.mark.parametrize(("name", "value"), [("LANG", "fr_XX.UTF-8"), ("LC_ALL", "french")])
def test_a_malformed_locale_of_the_environment_is_named(tmp_path, name, value):
    found = faults(check_machine(settings(tmp_path), locales={name: value}))["locale"]
    assert name in found.sentence
    assert value in found.sentence
    assert name in found.mend


def test_a_malformed_locale_of_the_settings_is_named(tmp_path):
    wrong = settings(tmp_path, ROADWORTHY_LOCALE="es-419-")
    assert "ROADWORTHY_LOCALE" in faults(check_machine(wrong, locales={}))["locale"].sentence


def test_the_locales_of_the_environment_are_lang_and_lc():
    environ = {"LANG": "C", "LC_TIME": "de_DE", "LC_ALL": "", "LANGUAGE": "x", "PATH": "y"}
    assert process_locales(environ) == {"LANG": "C", "LC_TIME": "de_DE"}


def test_a_home_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    found = faults(check_machine(settings(tmp_path / "file" / "home"), locales={}))
    assert "--home" in found["home"].mend


@pytest.mark.parametrize("what", ["disk", "memory"])
def test_too_little_disk_or_memory_is_told(tmp_path, what):
    least = {f"least_{what}_bytes": 10**18}
    assert list(faults(check_machine(settings(tmp_path), locales={}, **least))) == [what]


def test_a_port_in_use_by_others_is_told(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        check = check_port(settings(tmp_path, ROADWORTHY_PORT=str(port)))
    assert (check.ok, "ROADWORTHY_PORT" in check.mend) == (False, True)


def test_a_port_that_we_listen_on_ourselves_is_fine(tmp_path):
    class Ours(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status":"live"}')

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Ours) as server:
        threading.Thread(target=server.handle_request).start()
        check = check_port(settings(tmp_path, ROADWORTHY_PORT=str(server.server_port)))
    assert check.ok
