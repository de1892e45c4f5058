#!/usr/bin/env bash
# What `make soak` runs, as root: the slow proofs. Each is a program of its own; all are run, and the
# whole fails where one does.
#   usage: soak.sh [NAME ...]      default: every docker/*-soak
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ]; then
    echo "make soak builds images and makes network namespaces: run it as root" >&2
    exit 1
fi
failed=()
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for part in "$here"/*-soak; do
        part=${part##*/}
        names+=("${part%-soak}")
    done
fi
for name in "${names[@]}"; do
    echo "== soak: $name"
    "$here/$name-soak" || failed+=("$name")
done
[ ${#failed[@]} -eq 0 ] || { echo "soak: failed: ${failed[*]}" >&2; exit 1; }
echo "soak: all right (${names[*]})"
