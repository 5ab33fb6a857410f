"""POP3 servers with one oddity each, as postrider's user meets them: what arrives, octet by octet,
and what is said of it where nothing can."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from road import CONFIGURATION, DONE, LOGIN_REFUSED, TEMPORARY, outgoing
from servers.certificates import Authority, Certificate
from servers.daemon import daemon, eventually
from servers.odd_pop3 import PASSWORD, Answer, Hangup, OddPop3, pieces_of
from servers.recorder import Recorder
from servers.rider import Rider, Run

_LETTERS = [b"From: a@sender.example\r\nSubject: %d\r\n\r\nletter %d\r\n" % (n, n) for n in (1, 2, 3)]
_OWN_LINES = re.compile(rb"X-Postrider-Id: [0-9a-f]{32}\r\n"
                        rb"Received: (?:[^\r\n]*\r\n[ \t])*?[^\r\n]*;\r\n\t[^\r\n]*\r\n")
_USER = "locksmith@busy.example"


class Trial:
    """postrider between a server and a destination that remembers what it took."""

    def __init__(self, rider: Rider, recorder: Recorder) -> None:
        self.rider = rider
        self._recorder = recorder
        rider.destination(type="smtp", host="127.0.0.1", port=recorder.port, tls="none")

    def poll(self, server: OddPop3, password: str = PASSWORD, **settings: Any) -> Run:
        account = self.rider.account("alice", _USER, password, recipients=["alice@trial.example"])
        account.update({"host": "127.0.0.1", "port": server.port, "tls": "none", **settings})
        return self.rider.run("once")

    def poll_well(self, server: OddPop3, **settings: Any) -> None:
        run = self.poll(server, **settings)
        assert run.code == DONE, run.err

    def arrived(self) -> list[bytes]:
        contents = []
        for one in self._recorder.accepted:
            own = _OWN_LINES.match(one.content)
            assert own is not None, f"not the lines expected on top: {one.content[:800]!r}"
            contents.append(one.content[own.end():])
        return sorted(contents)


@pytest.fixture
def trial(binary: Path, tmp_path: Path) -> Iterator[Trial]:
    with Recorder() as recorder:
        yield Trial(Rider(binary, tmp_path / "rider"), recorder)


def _hang_up(_line: bytes, _usual: bytes) -> NoReturn:
    raise Hangup


def _all_of(messages: list[bytes]) -> list[bytes]:
    return sorted(map(outgoing, messages))


# P-004, P-005
@pytest.mark.parametrize("seed", range(3))
def test_pieces_of_any_size(trial: Trial, seed: int) -> None:
    messages = [b"Subject: dots\r\n\r\n.\n.\r\n..\r\n...\r\n\r\n.\r.\r\nend.\r\n",
                b"Subject: NUL\r\n\r\n\0\0\r\n.\0\r\n\r\n.", b".\r\n", b"\r\n", b"Subject: no end"]
    with OddPop3(messages, pieces=pieces_of(seed)) as server:
        trial.poll_well(server, delete_after="now")
        assert server.messages == []
    assert trial.arrived() == _all_of(messages)


# P-002, P-017, P-018
@pytest.mark.parametrize(("answers", "how"), [
    ({}, {"ends": b"\n"}),
    ({b"GREETING": b"+ok ready\r\n", b"USER": b"+ok\r\n"}, {}),
    ({b"USER": b"+OK \r\n", b"PASS": b"+OK\t\r\n"}, {}),
    ({b"LIST": lambda _, usual: re.sub(rb"(\d+) (\d+)", rb" \1  \t\2 octets ", usual)}, {}),
    ({b"UIDL": lambda _, usual: usual.replace(b" ", b"   ")}, {}),
    ({b"UIDL": b"+OK\r\n+OK 1 a\r\n+OK 003 c\r\n+OK 2 b\r\n.\r\n"}, {}),
    ({b"LIST": b"+OK 7 messages\r\n1 1\r\n2 99999999\r\n3 9223372036854775807\r\n.\r\n"}, {}),
    ({b"CAPA": b"-ERR what?\r\n"}, {}),
    ({b"CAPA": _hang_up}, {}),
    ({}, {"uids": [b"../../etc/passwd", b"%n%s\x1b[2J", b"a" * 1024]}),
], ids=["LF", "lower case", "no text", "blanks in LIST", "blanks in UIDL", "+OK on every line",
        "wrong sizes", "no CAPA", "hangs up on CAPA", "strange UIDs"])
def test_what_is_understood_all_the_same(trial: Trial, answers: dict[bytes, Answer],
                                         how: dict[str, Any]) -> None:
    with OddPop3(_LETTERS, answers, **how) as server:
        for _ in range(2):
            trial.poll_well(server)
    assert trial.arrived() == _all_of(_LETTERS)


# P-017
def test_a_server_that_refuses_to_list_nothing(trial: Trial) -> None:
    nothing = b"-ERR no messages\r\n"
    with OddPop3([], {b"LIST": nothing, b"UIDL": nothing}) as server:
        trial.poll_well(server)
    assert server.verbs()[-1] == b"QUIT"


# P-006, P-019, P-031, Q-006: nothing is deleted, nothing comes twice, and the error says where it was.
@pytest.mark.parametrize(("answers", "words"), [
    ({b"GREETING": b"* OK ready\r\n"}, "it speaks IMAP"),
    ({b"GREETING": b"+OK one\r\nand two\r\n"}, '"and two\\x0d\\x0a" where no reply was due'),
    ({b"GREETING": _hang_up}, "during the greeting"),
    ({b"PASS": _hang_up}, "during the login"),
    ({b"UIDL": b"-ERR no\r\n"}, "UIDL was refused"),
    ({b"LIST": b"-ERR no\r\n"}, "LIST was refused"),
    ({b"LIST": _hang_up}, "no whole answer to LIST: the server closed the connection"),
    ({b"UIDL": b"+OK\r\n1 " + b"a" * (1 << 20) + b"\r\n.\r\n"}, "a line of more than 1088 octets"),
    ({b"RETR 1": b"+OK\r\nSubject: half\r\n"}, "no whole answer to RETR 1: the server was silent"),
    ({b"RETR 1": b"220 what\r\n"}, "answered RETR 1"),
    ({b"RETR": b"-ERR no\r\n"}, "3 messages refused in a row"),
])
def test_what_is_told_of_a_session_that_failed(trial: Trial, answers: dict[bytes, Answer],
                                               words: str) -> None:
    with OddPop3(_LETTERS, answers) as server:
        run = trial.poll(server, delete_after="now", timeouts={"reply": "1s"})
        assert run.code == TEMPORARY
        assert "alice: failed: " in run.err
        assert words in run.err
        assert b"DELE" not in server.verbs()
        assert trial.arrived() == []
        server.answers.clear()
        trial.poll_well(server, delete_after="now")
        assert server.messages == []
    assert trial.arrived() == _all_of(_LETTERS)


# P-031
def test_a_server_that_hangs_up_at_quit(trial: Trial) -> None:
    with OddPop3(_LETTERS, {b"QUIT": _hang_up}) as server:
        run = trial.poll(server, delete_after="now")
        assert run.code == TEMPORARY
        assert "no whole answer to QUIT" in run.err
        assert len(server.messages) == 3
        server.answers.clear()
        trial.poll_well(server, delete_after="now")
        assert server.messages == []
    assert trial.arrived() == _all_of(_LETTERS)


# P-027, P-028, Q-006, Q-007: who is refused for the moment comes again; who is refused for the
# password waits long, for else the account gets locked.
@pytest.mark.parametrize(("said", "code", "advice"), [
    ("[IN-USE] Mailbox is in use", TEMPORARY, "try again later"),
    ("[SYS/TEMP] Temporary authentication failure", TEMPORARY, "try again later"),
    ("Unable to lock maildrop: Mailbox is locked by POP server", TEMPORARY, "try again later"),
    ("/var/mail/x lock busy! Is another session active? (11)", TEMPORARY, "try again later"),
    ("Login failed: too many connections from your IP", TEMPORARY, "try again later"),
    ("Exceeded the login limit for a 15 minute period.", TEMPORARY, "poll less often"),
    ("[AUTH] Authentication failed.", LOGIN_REFUSED, "check user and password"),
    ("authentication failed for user " + _USER, LOGIN_REFUSED, "check user and password"),
    ("no such user locksmith", LOGIN_REFUSED, "check user and password"),
    ("invalid user or password, try again later", LOGIN_REFUSED, "check user and password"),
    ("Login or password wrong; it will be blocked after too many", LOGIN_REFUSED, "check user"),
    ("[AUTH] Application-specific password required: https://x", LOGIN_REFUSED, "app password"),
    ("[SYS/PERM] Your account is not enabled for POP access.", LOGIN_REFUSED, "enable POP"),
    ("Basic authentication is disabled.", LOGIN_REFUSED, "OAuth2 is wanted"),
    ("[SYS/PERM] Account closed", CONFIGURATION, "ask who runs the server"),
])
def test_what_a_refused_login_means(trial: Trial, said: str, code: int, advice: str) -> None:
    with OddPop3(_LETTERS, {b"PASS": f"-ERR {said}\r\n".encode()}) as server:
        run = trial.poll(server)
    assert run.code == code, run.err
    assert advice in run.err
    assert f'PASS for "{_USER}" was refused' in run.err
    assert server.verbs().count(b"PASS") == 1


# P-012: APOP and CRAM-MD5 are there, and a login in the clear would be worse in nothing but names;
# they are taken on request only.
def test_auto_takes_no_weak_login(trial: Trial) -> None:
    with OddPop3(_LETTERS, {b"GREETING": b"+OK ready <1896.697@trial.example>\r\n"},
                 capa=[b"USER", b"UIDL", b"SASL CRAM-MD5"]) as server:
        trial.poll_well(server)
        assert server.verbs()[:3] == [b"CAPA", b"USER", b"PASS"]
        trial.poll_well(server, auth="apop")
    assert server.asked.count(b"USER " + _USER.encode()) == 1
    assert any(line.startswith(b"APOP " + _USER.encode()) for line in server.asked)


# RFC 6856
def test_utf8_and_a_language_are_asked_for_before_the_login(trial: Trial) -> None:
    with OddPop3(_LETTERS, {b"LANG": b"+OK de Deutsch\r\n"},
                 capa=[b"USER", b"UIDL", b"UTF8 USER", b"LANG"]) as server:
        trial.poll_well(server, utf8="true", lang="de")
        assert server.asked[:4] == [b"CAPA", b"LANG de", b"UTF8", b"USER " + _USER.encode()]
        server.answers[b"LANG"] = b"-ERR no such language\r\n"
        trial.poll_well(server, utf8="true", lang="tlh")
        server.answers[b"UTF8"] = b"-ERR not today\r\n"
        run = trial.poll(server, utf8="true")
        assert run.code == CONFIGURATION
        assert "set utf8 to false" in run.err
    assert trial.arrived() == _all_of(_LETTERS)


# A-004, P-008 to P-011: whatever happens to STLS, nothing of the user leaves.
@pytest.mark.parametrize(("answers", "capa", "code", "words"), [
    ({}, [b"USER", b"XSTLS", b"SASL STLS"], CONFIGURATION, "does not list STLS"),
    ({b"CAPA": b"-ERR\r\n"}, [], CONFIGURATION, "CAPA was refused"),
    ({b"CAPA": _hang_up}, [], TEMPORARY, "no whole answer to CAPA"),
    ({b"GREETING": b"+OK you are logged in already\r\n"}, [b"USER"], CONFIGURATION, "STLS"),
    ({b"STLS": b"-ERR no\r\n+OK more\r\n"}, [b"STLS"], TEMPORARY, "STLS was refused"),
    ({b"STLS": b"220 go ahead\r\n"}, [b"STLS"], TEMPORARY, "no POP3 reply"),
    ({b"STLS": b"+OK\r\n+OK logged in\r\n"}, [b"STLS"], TEMPORARY, "may be tampering"),
    ({b"STLS": _hang_up}, [b"STLS"], TEMPORARY, "no whole answer to STLS"),
    ({b"STLS": b"+OK begin\r\n"}, [b"STLS"], TEMPORARY, "the answer is not TLS"),
])
def test_stls_that_fails_tells_nothing_of_the_user(
        trial: Trial, answers: dict[bytes, Answer], capa: list[bytes], code: int,
        words: str) -> None:
    with OddPop3(_LETTERS, answers, capa=capa) as server:
        run = trial.poll(server, tls="starttls", timeouts={"tls": "1s"})
    assert run.code == code, run.err
    assert words in run.err
    said = b"\n".join(server.asked)
    assert not re.search(rb"(?i)USER|PASS|AUTH|QUIT|locksmith|busy\.example", said), said
    assert trial.arrived() == []


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    """Ours, and a stranger."""
    return (Authority(tmp_path_factory.mktemp("ours")), Authority(tmp_path_factory.mktemp("theirs")))


def _under(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


#
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize(("names", "expired", "is_ours", "host", "words"), [
    (["DNS:localhost"], False, True, "localhost", ""),
    (["IP:127.0.0.1"], False, True, "127.0.0.1", ""),
    (["DNS:127.0.0.1"], False, True, "127.0.0.1", "not for 127.0.0.1"),
    (["DNS:localhost"], True, True, "localhost", "has expired on 2020-02-01"),
    (["DNS:pop.elsewhere.example"], False, True, "localhost", "for pop.elsewhere.example, not for"),
    (["DNS:*"], False, True, "localhost", "not for localhost"),
    (["DNS:localhost"], False, False, "localhost", "which is not trusted here"),
])
def test_certificates(trial: Trial, authorities: tuple[Authority, Authority], tls: str,
                      names: list[str], expired: bool, is_ours: bool, host: str,
                      words: str) -> None:
    ours, theirs = authorities
    certificate = (ours if is_ours else theirs).issue(names, expired=expired)
    with OddPop3(_LETTERS, capa=[b"USER", b"UIDL", b"STLS"], tls=_under(certificate),
                 implicit=tls == "implicit") as server:
        run = trial.poll(server, tls=tls, host=host, tls_ca_file=str(ours.file))
        if not words:
            assert run.code == DONE, run.err
            assert trial.arrived() == _all_of(_LETTERS)
            return
        assert run.code == TEMPORARY
        assert words in run.err
        assert b"USER" not in server.verbs()
        pin = re.search(r"tls_pin_sha256: (\S+)", run.err)
        assert pin is not None, run.err
        trial.poll_well(server, tls=tls, host=host, tls_pin_sha256=pin[1])
    assert trial.arrived() == _all_of(_LETTERS)


# P-029
def test_a_server_that_waits_for_tls_is_told_from_one_that_is_silent(
        trial: Trial, authorities: tuple[Authority, Authority]) -> None:
    certificate = authorities[0].issue(["DNS:localhost"])
    with OddPop3(_LETTERS, tls=_under(certificate), implicit=True) as server:
        run = trial.poll(server, tls="starttls", timeouts={"greeting": "1s"})
    assert run.code == TEMPORARY
    assert "if it begins with TLS, as on port 995, set tls: implicit" in run.err


#
def test_what_was_learned_of_a_server_is_shown(trial: Trial) -> None:
    with OddPop3(_LETTERS, {b"CAPA": _hang_up}) as server:
        trial.poll_well(server)  # in two sessions: what cannot be asked may consume
        with daemon(trial.rider) as running:
            eventually(lambda: server.verbs().count(b"QUIT") == 3)
            status = trial.rider.run("status", "--json")
            assert running.stop() == DONE
    assert list(json.loads(status.out)["accounts"][0]["quirks"]) == ["no-capa"]
    assert server.verbs().count(b"CAPA") == 1


# P-016: only where that is asked for.
def test_a_password_that_is_no_ascii(trial: Trial) -> None:
    with OddPop3(_LETTERS) as server:
        run = trial.poll(server, password="grün")
        assert run.code == CONFIGURATION
        assert "set auth to user" in run.err
        trial.poll_well(server, password="grün", auth="user")
        assert "PASS grün".encode() in server.asked
