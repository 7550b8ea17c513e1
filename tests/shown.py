"""What a page shows of HTTP: requests, each with the answer that it got."""

import re
import subprocess
from urllib.parse import urlsplit

from tools import need

_SHOWN = re.compile(r"```sh\n([^`]*?curl[^`]*?)```\n\n```\w+\n(.*?)```", re.DOTALL)


def shown(page):
    """Return (commands, answer) of every block of requests."""
    found = _SHOWN.findall(page)
    assert sum(commands.count("curl ") for commands, _ in found) == page.count("curl ")
    return found


def operations(commands):
    """Return (method, path) of every request in them."""
    found = set()
    for line in re.split(r"\n(?=\S)(?! )", commands.replace("\\\n", " ")):
        for url in re.findall(r"http://127\.0\.0\.1:\d+[^\s']*", line):
            sends = re.search(r" -(?:F|-data-binary) ", line)
            method = re.search(r"-X (\w+)", line)
            found.add(((method[1] if method else "POST" if sends else "GET"), urlsplit(url).path))
    return found


def holds(commands, answer, url, folder):
    """Send the requests to ``url`` and hold what comes against the answer; ``...`` stands for anything."""
    commands = re.sub(r"http://127\.0\.0\.1:\d+", url, commands)
    commands = commands.replace("curl ", f"{need('curl', 'curl')} -sS --noproxy '*' ")
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pattern = re.escape(answer.strip()).replace(r"\.\.\.", ".*").replace("\\\n", r"\s*")
    assert re.fullmatch(pattern, done.stdout.strip(), re.DOTALL), done.stdout
    return done.stdout
