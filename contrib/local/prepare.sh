# Shared by up, down, test, drill and bench: checks, Debian's packages, virtual environments.
# Sourced by bash with `set -euo pipefail`; $project is the checkout.

say() { printf '%s\n' "$*" >&2; }
refuse() { say "$*"; exit 1; }

usage_up() {
    cat <<'USAGE'
Usage: contrib/local/up [options]

Brings the whole platform up on this machine (Debian 12, as root) and deploys a sample app.

  --home DIR          where everything is kept (default /var/lib/deis-local)
  --http-port N       where apps answer (default 8080)
  --builder-port N    where `git push` goes (default 2222)
  --hosts N           N hosts, 1 to 9, each with a network and a Docker Engine of its own (default 1)
  --engine NAME       native, or swarm: a Docker Swarm of several hosts runs apps (default native)
  --docker-host URL   use this Docker Engine instead of one of our own, for one host
  --no-sample         do not deploy the sample app
  --json              print one JSON object as the last line on stdout
  -h, --help          this text

Ports, hosts, engines and the sample are chosen once for a home: run again, it keeps them.
contrib/local/down stops it again; with --purge it removes the home.
USAGE
}

check_machine() { # FOLDER [what else helps when it has no room]
    [ "$(id -u)" = 0 ] || refuse "This needs root: run it again with sudo."
    grep -qs bookworm /etc/os-release ||
        refuse "This runs on Debian 12 (bookworm) only: use a machine or VM with it."
    case $1 in /*) ;; *) refuse "--home must be an absolute path, not $1." ;; esac
    [ -e "$1/local.json" ] && return 0 # It must come up again however full the disk has become.
    local place=$1 free
    while [ ! -e "$place" ]; do place=$(dirname "$place"); done
    free=$(df --output=avail -k "$place" | tail -n 1)
    [ "$free" -ge $((3 * 1024 * 1024)) ] ||
        refuse "Only $((free / 1024)) MB are free below $place, 3 GB are needed: free some space${2-}."
}

check_reachable() { # HOME; PostgreSQL refuses to run as root, so its own user must get there
    local place=$1
    while [ ! -e "$place" ]; do place=$(dirname "$place"); done
    while [ "$place" != / ]; do
        [ $((0$(stat -c %a "$place") & 1)) = 1 ] || refuse "$place may be entered by its owner only, but PostgreSQL's user must get through: choose a --home elsewhere, for example below /var/lib."
        place=$(dirname "$place")
    done
}

check_number() { # PORT OPTION
    case $1 in '' | *[!0-9]*) refuse "$2 must be a number, not '$1'." ;; esac
    [ "$1" -ge 1 ] && [ "$1" -le 65535 ] || refuse "$2 must be between 1 and 65535, not $1."
}


check_free() { # PORT OPTION
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
        refuse "Port $1 is taken by another program: choose one with $2 N."
    fi
}

already_up() { # HOME; its supervisor lives
    local pid started
    [ -x "$1/bin/deisctl" ] && [ -r "$1/run/supervisor.pid" ] || return 1
    read -r pid started <"$1/run/supervisor.pid" || return 1
    [ -r "/proc/$pid/stat" ] && [ "$(cut -d ' ' -f 22 "/proc/$pid/stat")" = "$started" ]
}

# A command or file that tells whether a package's content is there, and the package.
needs() { # own|given
    cat <<'NEEDS'
/usr/bin/etcd etcd-server
/usr/bin/etcdctl etcd-client
/usr/lib/postgresql/15/bin/postgres postgresql-15
/usr/sbin/nginx nginx
/usr/lib/nginx/modules/ngx_http_lua_module.so libnginx-mod-http-lua
/usr/bin/docker-registry docker-registry
/usr/share/doc/busybox-static/copyright busybox-static
/usr/bin/git git
/usr/bin/ssh openssh-client
/usr/bin/ssh-keygen openssh-client
/usr/sbin/ip iproute2
/usr/bin/setpriv util-linux
/usr/bin/nsenter util-linux
/usr/bin/python3 python3
/usr/lib/python3.11/ensurepip/__init__.py python3-venv
/etc/ssl/certs/ca-certificates.crt ca-certificates
NEEDS
    [ "$1" = given ] || cat <<'NEEDS'
/usr/sbin/dockerd docker.io
/usr/sbin/iptables iptables
NEEDS
}

install_packages() { # own|given [more packages]
    local kind=$1 path package missing=()
    shift
    while read -r path package; do
        [ -e "$path" ] || missing+=("$package")
    done < <(needs "$kind")
    for package in "$@"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Installing Debian's packages: ${missing[*]}"
    apt_install "${missing[@]}" ||
        refuse "apt could not install ${missing[*]}: the reason is above; mend it and run this again."
}

apt_install() { # PACKAGES; their services are neither started now nor at the next boot
    local policy=/usr/sbin/policy-rc.d before after unit status=0
    before=$(units)
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    {
        apt-get update -q &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
    } >&2 </dev/null || status=$?
    if [ -n "$(trap -p EXIT)" ]; then
        rm -f $policy
        trap - EXIT
    fi
    if [ -d /run/systemd/system ]; then
        after=$(units)
        for unit in $(comm -13 <(echo "$before") <(echo "$after")); do
            systemctl disable --quiet "$unit" >&2 || true
        done
    fi
    return $status
}

units() { # names of all installed units that may be enabled
    find /lib/systemd/system -maxdepth 1 \( -name '*.service' -o -name '*.socket' \) -printf '%f\n' 2>/dev/null | sort
}

make_venv() { # FOLDER LOCK [--editable]
    local venv=$1 stamp source
    stamp=$(sha256sum <"$2" | cut -d ' ' -f 1)
    if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
        say "Making the virtual environment $venv"
        mkdir -p "$(dirname "$venv")"
        rm -rf "$venv"
        # What of it is used is compiled when it is imported first: that is less than a third.
        /usr/bin/python3 -m venv "$venv" && pip_install "$venv" --no-compile --require-hashes -r "$2" || {
            rm -rf "$venv"
            rmdir "$(dirname "$venv")" 2>/dev/null || true
            refuse "The dependencies could not be installed (the reason is above): check that this machine reaches a Python package index."
        }
        echo "$stamp" >"$venv/stamp"
    fi
    # Into the environment, so that a home does not need the checkout; tests want the checkout
    # itself. Not again while it is the same: processes that run from it must not lose their files.
    source=$(cd "$project" && find pyproject.toml deis_cli deis_control deis_node -type f \
        ! -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum)
    [ "$(cat "$venv/source" 2>/dev/null)" != "${3-}$source" ] || return 0
    pip_install "$venv" --no-deps --no-build-isolation --force-reinstall ${3-} "$project" ||
        refuse "The project could not be installed into $venv (the reason is above)."
    echo "${3-}$source" >"$venv/source"
}

pip_install() { # VENV ARGUMENTS
    local venv=$1
    shift
    "$venv/bin/pip" install -q --disable-pip-version-check --no-input --root-user-action=ignore "$@" >&2
}
