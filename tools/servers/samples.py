"""Sample mail made on the spot: the kinds that a mailbox really holds, and the odd ones."""

from __future__ import annotations

import base64
import quopri
import random

_PEOPLE = ["Ada Winter", "Björn Åkesson", "Chiara Rossi", "Dimitri Ivanov", "Łukasz Nowak", "Eve Lin"]
_TOPICS = ["Minutes of Tuesday", "Invoice 2024-117", "Greetings from Zürich", "Re: train times",
           "Backup report", "Photos of the garden", "Fwd: the recipe", "New keys for the shed"]
_WORDS = ("the harbour lay quiet while two boats came in late and nobody asked them why since "
          "everyone knew about the broken rudder and the long way home along the coast").split()


def _text(rng: random.Random, lines: int) -> str:
    return "\n".join(" ".join(rng.choices(_WORDS, k=rng.randint(3, 11))) for _ in range(lines)) + "\n"


def _word(text: str) -> str:
    """A header word, encoded if need be (RFC 2047)."""
    if text.isascii():
        return text
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _header(rng: random.Random, to: str, topic: str, number: int) -> str:
    person = rng.choice(_PEOPLE)
    name = person.split()[0].lower().encode("ascii", "ignore").decode() or "someone"
    return (f"Return-Path: <{name}@sender.example>\n"
            f"Received: from mail.sender.example (mail.sender.example [192.0.2.{rng.randint(1, 254)}])\n"
            f"\tby pop.isp.example with ESMTPS id {rng.getrandbits(40):010x}\n"
            f"\tfor <{to}>; Mon, 03 Jun 2024 08:{number % 60:02}:00 +0200\n"
            f"From: {_word(person)} <{name}@sender.example>\n"
            f"To: <{to}>\n"
            f"Subject: {_word(topic)}\n"
            f"Date: Mon, 03 Jun 2024 08:{number % 60:02}:00 +0200\n"
            f"Message-ID: <{number}.{rng.getrandbits(48):012x}@sender.example>\n")


def _plain(rng: random.Random) -> bytes:
    return f"\n{_text(rng, rng.randint(2, 30))}".encode()


def _eight_bit(rng: random.Random) -> bytes:
    return ("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n\n"
            f"Viele Grüße aus Łódź, São Paulo und 東京.\n{_text(rng, 4)}").encode()


def _quoted(rng: random.Random) -> bytes:
    body = quopri.encodestring(f"Ça va? {_text(rng, 6)}".encode()).decode()
    return ("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
            f"Content-Transfer-Encoding: quoted-printable\n\n{body}").encode()


def _dots(rng: random.Random) -> bytes:
    return f"\n.\n..\n. leading\n.hidden\n{_text(rng, 2)}.\n".encode()


def _alternative(rng: random.Random) -> bytes:
    text = _text(rng, 5)
    return ("MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=\"=_seam\"\n\n"
            f"--=_seam\nContent-Type: text/plain\n\n{text}\n"
            f"--=_seam\nContent-Type: text/html\n\n<html><p>{text}</p></html>\n--=_seam--\n").encode()


def _attachment(rng: random.Random) -> bytes:
    data = base64.encodebytes(rng.randbytes(rng.randint(1_000, 120_000))).decode()
    return ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_seam\"\n\n"
            f"--=_seam\nContent-Type: text/plain\n\nSee the attachment.\n\n"
            "--=_seam\nContent-Type: application/pdf; name=\"report.pdf\"\n"
            "Content-Disposition: attachment; filename=\"report.pdf\"\n"
            f"Content-Transfer-Encoding: base64\n\n{data}--=_seam--\n").encode()


def _crlf(rng: random.Random) -> bytes:
    return _plain(rng).replace(b"\n", b"\r\n")


def _unended(rng: random.Random) -> bytes:
    return _plain(rng).rstrip(b"\n")


_KINDS = [_plain, _eight_bit, _quoted, _dots, _alternative, _attachment, _crlf, _unended]


def everyday(count: int, to: str, seed: int = 1) -> list[bytes]:
    """Mail of every kind a modern mailbox holds; the same for the same seed."""
    rng = random.Random(f"{seed} {to}")
    return [_header(rng, to, _TOPICS[number % len(_TOPICS)], number).encode()
            + _KINDS[number % len(_KINDS)](rng) for number in range(count)]


def odd() -> dict[str, bytes]:
    """Messages at the edges of the standards, by name."""
    top = b"From: a@sender.example\nSubject: odd\n"
    return {
        "header only": top,
        "header and empty line": top + b"\n",
        "empty body lines": top + b"\n\n\n\n",
        "no header": b"just text\nand more of it\n",
        "begins with an empty line": b"\n" + top + b"\nbody\n",
        "mbox line on top": b"From a@sender.example Mon Jun  3 08:00:00 2024\n" + top + b"\nbody\n",
        "header line without colon": top + b"no colon here\nX-Later: yes\n\nbody\n",
        "begins with a continuation": b" folded from nothing\n" + top + b"\nbody\n",
        "space before colon": b"Subject : odd\n\nbody\n",
        "8-bit header": b"Subject: gr\xfc\xdfe \xff\xfe\n\nbody\n",
        "all octets": top + b"\n" + bytes(range(256)) + b"\n",
        "NUL in body": top + b"\nbefore\0after\n\0\n.\0\n",
        "NUL in header": b"Subject: a\0b\n\nbody\n",
        "line of 998 octets": top + b"\n" + b"x" * 998 + b"\n",
        "line of 999 octets": top + b"\n" + b"x" * 999 + b"\n",
        "line of 70000 octets": top + b"\n" + b"long " * 14_000 + b"\nafter\n",
        "long line without an end": top + b"\n" + b"y" * 300_000,
        "long header line": b"X-Long: " + b"z" * 5_000 + b"\n" + top + b"\nbody\n",
        "large header": b"".join(b"X-Line-%d: value\n" % n for n in range(6_000)) + b"\nbody\n",
        "bare CR": top + b"\none\rtwo\r\rthree\r\n",
        "bare CR in header": b"Subject: a\rX-B: c\r\n\r\nbody\r\n",
        "mixed ends": top + b"\r\none\ntwo\r\nthree\rfour\n\r\nfive\n\r",
        "CR CR LF": top + b"\r\r\nbody\r\r\n",
        "ends in CR": top + b"\nbody\r",
        "dots": top + b"\n.\n..\n...\n.x\n.\r.\r\n.\n",
        "only dots": top + b"\n" + b".\n" * 500,
        "smuggling LF dot LF": top + b"\nbody\n.\nMAIL FROM:<evil@sender.example>\n",
        "smuggling CR dot CR": top + b"\r\nbody\r.\rMAIL FROM:<evil@sender.example>\r\n",
        "smuggling LF dot CRLF": top + b"\r\nbody\n.\r\nRCPT TO:<evil@sender.example>\r\n",
        "smuggling dot NUL": top + b"\nbody\n\0.\n.\0\nDATA\n",
        "Return-Path of nobody": b"Return-Path: <>\n" + top + b"\nbody\n",
        "two Return-Paths": b"Return-Path: <a@sender.example>\nReturn-Path: <b@sender.example>\n"
                            + top + b"\nbody\n",
        "Return-Path folded": b"Return-Path:\n\t<a@sender.example>\n" + top + b"\nbody\n",
        "Return-Path of nonsense": b"Return-Path: @;<<\x80\n" + top + b"\nbody\n",
        "Return-Path in the body": top + b"\nReturn-Path: <a@sender.example>\n",
        "Bcc and Content-Length": b"Bcc: x@y.example\nContent-Length: 5\n" + top + b"\nbody\n",
        "many Received": b"".join(b"Received: by h%d; Mon, 3 Jun 2024 08:00:00 +0200\n" % n
                                  for n in range(40)) + top + b"\nbody\n",
    }


_ENDS = [b"\r\n", b"\r\n", b"\n", b"\r", b"\n\r", b"\r\r\n"]
_PIECES = [b".", b"..", b"...", b".x", b"From here", b"text", b"gr\xfc\xdfe", b"\xff", b"x" * 76,
           b"MAIL FROM:<evil@sender.example>", b"DATA", b"QUIT", b" folded", b"\t", b""]
_HEADS = [b"Subject: a%s", b"From: a@sender.example%sSubject: b%s", b"Subject: c%s\td%s", b"X:%s",
          b"Subject: e%sX-Long: " + b"f" * 900 + b"%s",
          b"Received: by g; Mon, 3 Jun 2024 08:00:00 +0200%s",
          b"Subject: =?utf-8?q?h?=%sTo: undisclosed-recipients:;%s"]
_WITH_NUL = [b"\0", b"\0.", b".\0", b"a\0b", *_PIECES]
_LENGTHS = [1, 76, 997, 998, 999, 1_000, 2_048, 4_097]


def hostile(count: int, seed: int = 1) -> list[bytes]:
    """Line ends x dots x NUL x 8-bit x lengths x shapes of headers; the same for the same seed."""
    rng = random.Random(f"hostile {seed}")
    messages = []
    for _ in range(count):
        head = rng.choice(_HEADS)
        for _ in range(head.count(b"%s")):
            head = head.replace(b"%s", rng.choice(_ENDS[:4]), 1)
        # What a server refuses a message for is in few, so that the rest is seen by every server.
        pieces = _WITH_NUL if rng.random() < 0.2 else _PIECES
        lengths = _LENGTHS if rng.random() < 0.2 else _LENGTHS[:4]
        lines = [rng.choice(pieces) if rng.random() < 0.8 else b"y" * rng.choice(lengths)
                 for _ in range(rng.randint(0, 12))]
        body = b"".join(line + rng.choice(_ENDS) for line in lines)
        messages.append(head + (rng.choice(_ENDS[:3]) + body if rng.random() < 0.9 else b""))
    return messages


# Where reads and writes are cut: by postrider, by TLS, by servers.
_BUFFERS = (4096, 16384, 65536)


def smuggling() -> list[bytes]:
    """Ends of data that some server takes for one and others do not, a second message behind each
    (CVE-2023-51764 and its kind): in the header, at its end, in the body, at its end, and across
    the border of two buffers."""
    dots = [before + b"." + after for before in (b"\n", b"\r", b"\r\n", b"\n\r", b"\0\n", b"\r\n\0")
            for after in (b"\n", b"\r", b"\r\n", b"\r\n\0", b"\0\r\n", b"\n\n", b"\r\r\n")]
    messages = []
    for number, dot in enumerate(dots):
        second = (dot + b"MAIL FROM:<evil@sender.example>\r\nRCPT TO:<box0@trial.example>\r\nDATA\r\n"
                  b"Subject: smuggled\r\n\r\nsmuggled" + dot)
        top = b"Subject: outer %d\r\n" % number
        messages += [top + b"X-Odd: field" + second + b"Date: x\r\n\r\nbody\r\n",
                     top + second + b"\r\nbody\r\n",
                     top + b"\r\nbody" + second,
                     top + b"\r\nbody" + dot]
        border = _BUFFERS[number % len(_BUFFERS)] - number % 7
        lines = b"".join(b"%063d\r\n" % line for line in range(border // 65 + 1))
        messages.append(top + b"\r\n" + lines[:border - len(top) - 2] + second)
    return messages


def canonical(message: bytes) -> bytes:
    """Every line end CRLF, a bare LF and a bare CR too; the last line ended."""
    lines = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if lines and not lines.endswith(b"\n"):
        lines += b"\n"
    return lines.replace(b"\n", b"\r\n")
