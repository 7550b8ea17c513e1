"""The command ``sopstatus completion``: a shell asks it, so that it always knows what is there."""

from __future__ import annotations

from argparse import REMAINDER, ArgumentParser, Namespace

from sopstatus import cli
from sopstatus.cli.arguments import candidates

SCRIPTS = {
    "bash": """\
_sopstatus() {
    local IFS=$'\\n'
    COMPREPLY=($(sopstatus completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    ((${#COMPREPLY[@]})) || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _sopstatus sopstatus
""",
    "zsh": """\
_sopstatus() {
    local -a found
    found=("${(@f)$(sopstatus completion words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
compdef _sopstatus sopstatus
""",
    "fish": """\
function __sopstatus
    set -l words (commandline -opc) (commandline -ct)
    set -l found (sopstatus completion words $words[2..] 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path $words[-1]
    end
end
complete -c sopstatus -f -a '(__sopstatus)'
""",
}
EXAMPLES = (
    'eval "$(sopstatus completion bash)"',
    "sopstatus completion fish > ~/.config/fish/completions/sopstatus.fish",
)


def add(parser: ArgumentParser) -> None:
    """Add the shell."""
    parser.add_argument(
        "shell", choices=(*SCRIPTS, "words"), help="Print the script for this shell, to be sourced"
    )
    parser.add_argument("words", nargs=REMAINDER, help="Complete the last of these words (words)")


def run(options: Namespace) -> int:
    """Print the script of a shell, or what may stand in the place of the last word."""
    if options.shell != "words":
        print(SCRIPTS[options.shell], end="")
        return 0
    name, *others = options.words or [""]
    if others and name in cli.COMMANDS:
        found = candidates(cli.parser(name), others)
    else:
        found = [one for one in (*cli.COMMANDS, "help") if one.startswith(name) and not others]
    for one in found:
        print(one)
    return 0
