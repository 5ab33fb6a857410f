"""What tools/quickstart shows: three POP3 mailboxes, a private SMTP server, postrider between."""

from __future__ import annotations

import email
import email.header
import email.policy
import mailbox
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from .certificates import Authority
from .child import StartFailed
from .dovecot import Dovecot
from .samples import everyday
from .smtp import maildir_server
from .unpacked import BUILD, Unavailable
from .workplace import Workplace

BINARY = BUILD / "release/postrider"
FOLDER = BUILD / "quickstart"
MAILBOXES = {"alice": 12, "bob": 8, "carol": 20}

_CONFIG = """\
# Written by tools/quickstart; every key is told in etc/postrider.yaml.
state_dir: {folder}/state

destinations:
  local: {{type: smtp, host: 127.0.0.1, port: {smtp_port}, tls: none}}

defaults: {{deliver_to: local, delete_after: never}}

accounts:
"""

_ACCOUNT = """\
  {name}:
    host: localhost
    port: {port}
    tls: implicit
    tls_ca_file: {authority}
    user: {name}
    password: {{file: {folder}/secrets/{name}}}
    recipients: ["{name}@localhost"]
"""

_NEXT = """\
What to do for a real account:

  1. Write ~/.config/postrider/postrider.yaml (for root: /etc/postrider/postrider.yaml) after the
     example just used, {folder}/postrider.yaml:
       destinations:
         local: {{type: smtp, host: 127.0.0.1, port: 25, tls: none}}
       accounts:
         me:
           host: pop.your-provider.example
           user: me@your-provider.example
           password: {{file: /path/to/a/file/with/mode/0600}}
           recipients: [me@localhost]
           deliver_to: local
  2. Look before you leap:
       {binary} check     is the configuration right?
       {binary} plan      what would be fetched and deleted? touches nothing
  3. Fetch:
       {binary} once
     Nothing is deleted from the server unless you set delete_after.
"""


def say(text: str = "") -> None:
    print(text, flush=True)


def write_config(dovecot: Dovecot, authority: Authority, smtp_port: int) -> Path:
    secrets = FOLDER / "secrets"
    secrets.mkdir(mode=0o700)
    shutil.copy(authority.file, FOLDER / "ca.pem")
    text = _CONFIG.format(folder=FOLDER, smtp_port=smtp_port)
    for name in MAILBOXES:
        user = dovecot.add_user(name)
        user.put(everyday(MAILBOXES[name], f"{name}@isp.example"))
        secret = secrets / name
        secret.touch(mode=0o600)
        secret.write_text(user.password + "\n")
        text += _ACCOUNT.format(name=name, port=dovecot.tls_port, authority=FOLDER / "ca.pem",
                                folder=FOLDER)
        say(f"  {name}: {MAILBOXES[name]} messages on pop3s://localhost:{dovecot.tls_port}")
    config = FOLDER / "postrider.yaml"
    config.write_text(text)
    return config


def subject_of(message: mailbox.MaildirMessage) -> str:
    return str(email.header.make_header(email.header.decode_header(message["Subject"] or "")))


def arrived(maildir: Path) -> Counter[str]:
    """How many messages each recipient got, as the SMTP server filed them."""
    return Counter(one["X-RcptTo"] for one in mailbox.Maildir(maildir, create=False))


def tell_what_arrived(maildir: Path) -> None:
    by_recipient: dict[str, Counter[str]] = {}
    for one in mailbox.Maildir(maildir, create=False):
        by_recipient.setdefault(one["X-RcptTo"], Counter())[subject_of(one)] += 1
    for recipient, subjects in sorted(by_recipient.items()):
        say(f"  {recipient}: {subjects.total()} messages")
        for subject, count in sorted(subjects.items()):
            say(f"    {count:3} x {subject}")


def once(config: Path) -> None:
    command = [str(BINARY), "-c", str(config), "once"]
    say("  $ " + " ".join(command))
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise RuntimeError(f"postrider ended with {code}")


def show() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    maildir = FOLDER / "arrived"
    say("fetching Dovecot, unpacked under build/servers, and starting it")
    with Workplace() as place:
        authority = Authority(place.folder("authority"))
        with Dovecot(place, authority) as dovecot, maildir_server(place, maildir) as smtp:
            config = write_config(dovecot, authority, smtp.port)
            say(f"  an SMTP server on 127.0.0.1:{smtp.port} files into {maildir}")
            say("\nfirst pass: everything travels")
            once(config)
            say(f"\nwhat arrived in {maildir}:")
            tell_what_arrived(maildir)
            first = arrived(maildir)
            say("\nsecond pass: nothing may arrive twice")
            once(config)
            second = arrived(maildir)
    expected = Counter({f"{name}@localhost": count for name, count in MAILBOXES.items()})
    if first != expected:
        raise RuntimeError(f"expected {dict(expected)} but {dict(first)} arrived")
    if second != first:
        raise RuntimeError(f"the second pass delivered again: {dict(second - first)}")
    say(f"  still {second.total()} messages; the servers are stopped\n")
    say(_NEXT.format(folder=FOLDER, binary=BINARY))


def main() -> int:
    try:
        show()
        return 0
    except KeyboardInterrupt:
        return 130
    except (RuntimeError, StartFailed, Unavailable) as error:
        print(f"quickstart: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
