"""Print what a shell needs to complete verbs and options.

In bash: eval "$(clientcare completion bash)"; in zsh: eval "$(clientcare completion zsh)"; in fish:
clientcare completion fish | source.
"""

from __future__ import annotations

import argparse
from importlib import import_module

SHELLS = ("bash", "zsh", "fish")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("shell", choices=SHELLS)


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    options_of = _options_by_verb()
    if options.shell == "fish":
        print(_fish(options_of))
    else:
        print(
            ("autoload -U +X bashcompinit && bashcompinit\n" if options.shell == "zsh" else "")
            + _bash(options_of)
        )
    return 0


def _options_by_verb() -> dict[str, list[str]]:
    """The long names of the options of each verb, as its own parser knows them."""
    from clientcare.cli.program import VERBS

    found = {}
    for verb in VERBS:
        parser = argparse.ArgumentParser(prog=verb)
        import_module(f"clientcare.cli.{verb}").add_options(parser)
        names = (name for action in parser._actions for name in action.option_strings)
        found[verb] = sorted(name for name in names if name.startswith("--"))
    return found


def _bash(options_of: dict[str, list[str]]) -> str:
    cases = "\n".join(f"    {verb}) words='{' '.join(names)}' ;;" for verb, names in options_of.items())
    return f"""_clientcare() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{" ".join(options_of)}' -- "$word"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
    completion) words='{" ".join(SHELLS)}' ;;
{cases.replace("    completion) words='--help' ;;" + chr(10), "")}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
  if [ "${{COMP_WORDS[1]}}" = completion ]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  fi
}}
complete -o filenames -F _clientcare clientcare"""


def _fish(options_of: dict[str, list[str]]) -> str:
    from clientcare.cli.program import VERBS

    lines = []
    for verb, names in options_of.items():
        about = VERBS[verb].replace("'", "\\'")
        lines.append(f"complete -c clientcare -n __fish_use_subcommand -f -a {verb} -d '{about}'")
        lines += [
            f"complete -c clientcare -n '__fish_seen_subcommand_from {verb}' -l {name[2:]}" for name in names
        ]
    lines.append(
        f"complete -c clientcare -n '__fish_seen_subcommand_from completion' -f -a '{' '.join(SHELLS)}'"
    )
    return "\n".join(lines)
