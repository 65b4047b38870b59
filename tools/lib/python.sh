# The environment in which clients/python is made and tested. Sourced; it starts nothing by itself.
# shellcheck shell=bash

python_client=$root/clients/python
python_tools=$tools-python

# Python 3.11 or newer; PYTHON_BIN names another one than is found.
find_python() {
    local name
    for name in "${PYTHON_BIN:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v -- "$name"
            return
        fi
        [[ ! ${PYTHON_BIN:-} ]] || die "PYTHON_BIN names $PYTHON_BIN, which is no Python 3.11 or newer with venv"
    done
    die 'no Python 3.11 or newer with venv is on PATH; install one (Debian: python3 and python3-venv), or name one with PYTHON_BIN'
}

# Installs exactly what clients/python/locked.txt names.
install_python_tools() {
    local python stamp
    python=$(find_python)
    stamp=$("$python" --version; cat -- "$python_client/locked.txt")
    if [[ -x $python_tools/bin/python && $(cat -- "$python_tools/stamp" 2>/dev/null) == "$stamp" ]]; then
        say "the Python packages are there: ${python_tools#"$root"/}"
        return
    fi
    say "installing Python packages into ${python_tools#"$root"/}"
    rm -rf -- "$python_tools"
    "$python" -m venv "$python_tools" || die "$python could not make an environment; Debian has that in python3-venv"
    "$python_tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-cache-dir --no-deps \
        --requirement "$python_client/locked.txt" ||
        die 'pip could not install them; check the network and the index that pip uses'
    printf '%s\n' "$stamp" >"$python_tools/stamp"
}

# The extensions that come with zhongshu, as their author tries them: without a server.
check_shipped_extensions() {
    local python=$python_tools/bin/python
    "$python" -m ruff check --no-cache --quiet "$root/extensions"
    "$python" -m ruff format --no-cache --quiet --check "$root/extensions"
    "$python" -m unittest discover --quiet --start-directory "$root/extensions/supervisor"
}

# Everything that must hold for the client. It is tested as the wheel that is built of it.
check_python_client() {
    local python=$python_tools/bin/python programs dist
    [[ -x $python ]] || die 'run `./tools/test install` first'
    # With the tests, so that these are the programs that the step `tests` built: alone they have other features, and are built again.
    cargo build --workspace --bins --tests --locked
    programs=${CARGO_TARGET_DIR:-$root/target}/debug
    dist=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf -- '$dist'" EXIT
    export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
    cd -- "$python_client"
    "$python" generate --check
    "$python" -m ruff check --no-cache --quiet .
    "$python" -m ruff format --no-cache --quiet --check .
    "$python" -m build --wheel --no-isolation --outdir "$dist" . >/dev/null
    "$python" -m pip install --quiet --no-deps --force-reinstall "$dist"/*.whl
    "$python" -m mypy --no-incremental
    check_shipped_extensions
    ZHONGSHU_BIN=$programs/zhongshu MOCK_MODEL_BIN=$programs/mock-model "$python" -m pytest
}
