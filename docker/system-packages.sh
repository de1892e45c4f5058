#!/usr/bin/env bash
# Installs the system programs a make target needs, and nothing that is already there.
#   usage: system-packages.sh base|lab|clock|postgres|browser|crms|images ...
# As root it uses apt-get; otherwise it prints the one line an administrator has to run.
set -euo pipefail

want=()
need() {  # need PACKAGE TEST-COMMAND...: PACKAGE is wanted unless the test succeeds
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || want+=("$package")
}
postgres_programs() { compgen -G '/usr/lib/postgresql/*/bin/initdb'; }

for group in "$@"; do
    case $group in
        base)
            need python3 command -v python3
            need python3-venv python3 -c 'import ensurepip, venv'
            need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
            # reports as PDF: Pango shapes Thai and breaks its lines at words; the fonts are our own
            need libpango-1.0-0 compgen -G '/usr/lib/*/libpango-1.0.so.0'
            need libpangoft2-1.0-0 compgen -G '/usr/lib/*/libpangoft2-1.0.so.0'
            need libharfbuzz-subset0 compgen -G '/usr/lib/*/libharfbuzz-subset.so.0'
            ;;
        lab)
            # An Asterisk on PATH or a Docker engine serves the lab too; debootstrap is the way that needs neither.
            command -v asterisk >/dev/null && command -v sipp >/dev/null || need debootstrap command -v debootstrap
            ;;
        clock) need faketime compgen -G '/usr/lib/*/faketime/libfaketime.so.1' ;;  # one process's clock is set
        postgres) need postgresql postgres_programs ;;
        browser)  # the pages bring their Thai font themselves
            need chromium command -v chromium
            need libatomic1 compgen -G '/usr/lib/*/libatomic.so.1'  # Playwright's own node asks for it
            ;;
        crms)  # Odoo and Request Tracker run in Debian roots of their own
            need debootstrap command -v debootstrap
            need util-linux command -v unshare
            need debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
            ;;
        images)
            need buildah command -v buildah
            need iproute2 command -v ip
            need util-linux command -v nsenter
            need debootstrap command -v debootstrap
            need debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
            ;;
        *)
            echo "system-packages.sh: no such group: $group (base, lab, clock, postgres, browser, crms, images)" >&2
            exit 2
            ;;
    esac
done

[ ${#want[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "These programs are missing and only root can install them. Run:" >&2
    echo "    sudo apt-get update && sudo apt-get install -y ${want[*]}" >&2
    exit 1
fi
echo "installing with apt: ${want[*]} …"
export DEBIAN_FRONTEND=noninteractive
if [[ " ${want[*]} " == *" postgresql "* ]]; then
    # Only the server's programs are wanted: the tests start a cluster of their own.
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/hotline1203.conf
fi
log=$(mktemp)
if ! { apt-get update && apt-get install -y --no-install-recommends "${want[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "apt could not install ${want[*]}; its last lines stand above, all of them in $log" >&2
    exit 1
fi
rm -f "$log"
