#!/bin/sh
# Print the path of a Python 3.10: on PATH, under pyenv, or known to uv.
is310() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' >/dev/null 2>&1; }

for candidate in "$PYTHON" python3.10 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python; do
    if [ -n "$candidate" ] && is310 "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
done
if command -v uv >/dev/null 2>&1 && uv python find 3.10 2>/dev/null; then
    exit 0
fi
echo "Python 3.10 was not found on PATH, under pyenv or through uv: install it (for example" \
    "'pyenv install 3.10' or 'uv python install 3.10'), or name it: make PYTHON=/path/to/python3.10" >&2
exit 1
