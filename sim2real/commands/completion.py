"""The `completion` command: a shell script that completes commands, options and names."""

from enum import StrEnum
from typing import Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, reports

app = typer.Typer(rich_markup_mode=None)

# Each shell asks the program itself what may follow, by the protocol that typer has for fish: one `word<TAB>what it is`
# a line. A word that ends in `.` or `=` goes on, so no space follows it.
_ASK = "_SIM2REAL_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS={line}"

_BASH = f"""_sim2real_completion() {{
    local IFS=$'\\n'
    COMPREPLY=( $({_ASK.format(line='"${COMP_LINE:0:COMP_POINT}"')} "$1" 2>/dev/null | cut -f1) )
    if [[ "${{COMPREPLY[0]-}}" == *[.=] ]]; then compopt -o nospace; fi
}}
complete -o default -F _sim2real_completion sim2real
"""

_ZSH = f"""#compdef sim2real
_sim2real_completion() {{
    local -a values labels space
    local row
    for row in "${{(@f)$({_ASK.format(line='"${(j: :)words[1,CURRENT]}"')} "${{words[1]}}" 2>/dev/null)}}"; do
        [[ -n "$row" ]] || continue
        values+=("${{row%%$'\\t'*}}")
        labels+=("${{row/$'\\t'/  -- }}")
    done
    if (( ! $#values )); then _files; return; fi
    if [[ "$values[1]" == *[.=] ]]; then space=(-S ''); fi
    compadd $space -l -d labels -a values
}}
if [[ "$funcstack[1]" == "_sim2real" ]]; then _sim2real_completion "$@"; else compdef _sim2real_completion sim2real; fi
"""

_FISH = f"""function __sim2real_completion
    env {_ASK.format(line="(commandline -cp)")} sim2real 2>/dev/null
end
complete --command sim2real --no-files --condition 'count (__sim2real_completion) >/dev/null' \\
    --arguments '(__sim2real_completion)'
"""


class Shell(StrEnum):
    """A shell."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


SCRIPTS = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}

_INSTALL = {
    Shell.BASH: 'add this line to ~/.bashrc:  eval "$(sim2real completion bash)"',
    Shell.ZSH: 'add this line to ~/.zshrc, after compinit:  eval "$(sim2real completion zsh)"',
    Shell.FISH: "once:  sim2real completion fish > ~/.config/fish/completions/sim2real.fish",
}


@app.command()
@reports
def completion(
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.", show_default=False)],
    json_output: Json = False,
) -> Outcome:
    """Print the script with which a shell completes commands, options, names and the keys of --set.

    It writes nothing: the script's first line says where it goes.

    Example: sim2real completion bash
    """
    script = SCRIPTS[shell]
    head, _, rest = script.partition("\n")
    comment = f"# {_INSTALL[shell]}\n"
    text = f"{head}\n{comment}{rest}" if head.startswith("#compdef") else comment + script
    return Outcome({"shell": shell.value, "script": text}, text.rstrip().replace("[", "\\["))
