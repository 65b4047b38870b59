# What tools/test needs to find and to install. Sourced; it starts nothing by itself.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

die() {
    say "tools/test: $*"
    exit 1
}

# need PROGRAM HOW-TO-GET-IT
need() { command -v "$1" >/dev/null || die "\`$1\` is not on PATH; $2, then run this again"; }

# cargo and rustup look for their folders in HOME, which may be an empty one here. Where CARGO_HOME and RUSTUP_HOME are
# not set, they follow from where cargo is.
find_rust() {
    local cargo folder candidate
    cargo=$(command -v cargo) || die 'cargo is not on PATH; install Rust from https://rustup.rs, then run this again'
    folder=$(dirname -- "$(dirname -- "$cargo")")
    case ${folder##*/} in
        .cargo | cargo)
            [[ ${CARGO_HOME:-} || ! -w $folder ]] || export CARGO_HOME=$folder
            for candidate in "${folder%/*}/.rustup" "${folder%/*}/rustup"; do
                [[ ${RUSTUP_HOME:-} || ! -d $candidate/toolchains ]] || export RUSTUP_HOME=$candidate
            done
            ;;
    esac
    cargo --version >/dev/null || die 'cargo does not run; set CARGO_HOME and RUSTUP_HOME to its folders'
}

tools=$root/.tmp/tools

# The program inside the npm package that fits this machine.
codex_path() {
    local system machine
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) system=linux-x64 machine=x86_64-unknown-linux-musl ;;
        Linux-aarch64 | Linux-arm64) system=linux-arm64 machine=aarch64-unknown-linux-musl ;;
        Darwin-x86_64) system=darwin-x64 machine=x86_64-apple-darwin ;;
        Darwin-arm64) system=darwin-arm64 machine=aarch64-apple-darwin ;;
        *) die "Codex has no package for $(uname -s) on $(uname -m); name a program with CODEX_BIN" ;;
    esac
    printf '%s' "$tools/node_modules/@openai/codex-$system/vendor/$machine/bin/codex"
}

# Installs exactly what tools/codex/package-lock.json names. Into a new folder that then takes the old one's place, so
# that a broken download leaves nothing half done, and a link at that place is replaced and not written through.
install_node_tools() {
    if cmp -s tools/codex/package-lock.json "$tools/package-lock.json" && [[ -x $(codex_path) ]]; then
        say "codex and playwright-core are there: .tmp/tools"
        return
    fi
    local new="$root/.tmp/tools.new.$$" old="$root/.tmp/tools.old.$$"
    mkdir -p "$new"
    # shellcheck disable=SC2064
    trap "rm -rf -- '$new' '$old'" EXIT
    cp tools/codex/package.json tools/codex/package-lock.json "$new/"
    say 'installing codex and playwright-core from npm into .tmp/tools'
    # The cache is of no use to anybody else and would fill a HOME that is thrown away.
    npm ci --prefix "$new" --cache "$new/.cache" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error ||
        die 'npm could not install them; check the network and the registry that npm uses'
    rm -rf -- "$new/.cache"
    if [[ -L $tools ]]; then
        rm -- "$tools"
    elif [[ -e $tools ]]; then
        mv -- "$tools" "$old"
    fi
    mv -- "$new" "$tools"
    rm -rf -- "$old"
    trap - EXIT
    [[ -x $(codex_path) ]] || die "npm installed no $(codex_path); does npm leave out optional dependencies here?"
}

cargo_deny_version=0.20.2
cargo_deny=$tools-cargo/bin/cargo-deny

install_cargo_deny() {
    if [[ $("$cargo_deny" --version 2>/dev/null) == "cargo-deny $cargo_deny_version" ]]; then
        say "cargo-deny is there: ${cargo_deny#"$root"/}"
        return
    fi
    say 'building cargo-deny into .tmp/tools-cargo'
    cargo install cargo-deny --version "$cargo_deny_version" --locked --quiet --root "$tools-cargo" --target-dir "$tools-cargo/target" ||
        die 'cargo could not install cargo-deny; check the network and the registry that cargo uses'
    rm -rf -- "$tools-cargo/target"
}

find_chromium() {
    local name
    if [[ ${CHROMIUM_BIN:-} ]]; then
        command -v -- "$CHROMIUM_BIN" || die "CHROMIUM_BIN names $CHROMIUM_BIN, which is not a program"
        return
    fi
    for name in chromium chromium-browser google-chrome google-chrome-stable \
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' \
        /Applications/Chromium.app/Contents/MacOS/Chromium; do
        command -v -- "$name" && return
    done
    return 1
}

install_chromium() {
    local found
    if found=$(find_chromium); then
        say "chromium is there: $found"
        return
    fi
    [[ ! ${CHROMIUM_BIN:-} ]] || exit 1
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        say 'installing chromium with apt-get'
        DEBIAN_FRONTEND=noninteractive apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
    elif command -v apt-get >/dev/null; then
        die 'the browser tests need Chromium; run `sudo apt-get install -y chromium`, or name one with CHROMIUM_BIN'
    else
        die 'the browser tests need Chromium; install Chromium or Google Chrome, or name one with CHROMIUM_BIN'
    fi
    find_chromium >/dev/null || die 'chromium was installed but is not on PATH; name it with CHROMIUM_BIN'
}

# Tells the tests where the programs are, as far as they are there.
use_node_tools() {
    local codex chromium
    codex=${CODEX_BIN:-$(codex_path)}
    [[ ! -x $codex ]] || export CODEX_BIN=$codex
    if chromium=$(find_chromium); then
        export CHROMIUM_BIN=$chromium
    fi
    if [[ -d $tools/node_modules ]]; then
        export PLAYWRIGHT_CORE=$tools/node_modules/playwright-core
    fi
}
