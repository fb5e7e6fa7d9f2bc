"""`deis completion`: the scripts that make a shell ask `deis __complete`."""

import click

from deis_cli.deis import output

BASH = r"""# Completion of deis for bash: source <(deis completion bash)
_deis() {
    local line=${COMP_LINE:0:COMP_POINT} last skip
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    last=${words[${#words[@]} - 1]}
    mapfile -t COMPREPLY < <(deis __complete "${words[@]:1}" 2>/dev/null)
    COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
    # Where bash takes a word apart, it wants only what comes behind the last place.
    if [[ $last == *:* && $COMP_WORDBREAKS == *:* ]]; then
        skip=${last%"${last##*:}"}
    elif [[ $last == *=* && $COMP_WORDBREAKS == *=* ]]; then
        skip=${last%"${last##*=}"}
    fi
    COMPREPLY=("${COMPREPLY[@]#"$skip"}")
}
complete -o default -F _deis deis
"""

ZSH = r"""#compdef deis
# Completion of deis for zsh: source <(deis completion zsh)
_deis() {
    local line
    local -a found shown
    while IFS= read -r line; do
        found+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done < <(deis __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#found} )); then
        compadd -l -d shown -a found
    else
        _files
    fi
}
if [[ $funcstack[1] == _deis ]]; then
    _deis "$@"
else
    compdef _deis deis
fi
"""

FISH = r"""# Completion of deis for fish: deis completion fish | source
function __deis_complete
    set -l words (commandline -opc) (commandline -ct)
    deis __complete $words[2..-1] 2>/dev/null
end
complete -c deis -f -a '(__deis_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@click.command()
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def completion(shell: str) -> None:
    """Print the script that completes commands, options and app names in a shell.

    For bash: source <(deis completion bash). The first lines of each script say how.
    """
    output.part(SCRIPTS[shell])
