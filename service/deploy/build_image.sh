#!/usr/bin/env bash
# Build the image `fifthfactor` from this checkout: build_image.sh [BASE]
#
# BASE is an image with Python 3.11 or newer, such as python:3.13-slim. Without one no registry is asked: `mmdebstrap` makes two bases from
# Debian's packages, a whole one to build in, and one to run in that has Python, what Python needs, and no tools. Both need root.
set -euo pipefail
cd "$(dirname "$0")/../.."
base=${1:-}
suite=trixie
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
kept='base-files|base-passwd|ca-certificates|dash|gcc-[0-9]+-base|libbz2.*|libc6|libexpat1|libffi8|libgcc-s1|liblzma5|libncursesw6|libpython3.*|libreadline8.*|libsqlite3-0|libssl3.*|libtinfo6|libuuid1|libzstd1|media-types|netbase|python3.*|readline-common|tzdata|zlib1g'
work=build/image
mkdir -p "$work"

imported() { # imported TAR NAME: an image from the files of a system
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$1" / >/dev/null
    buildah commit --quiet --format docker "$container" "$2" >/dev/null
    buildah rm "$container" >/dev/null
    rm "$1"
}

if [ -z "$base" ]; then
    echo "making the bases from Debian's packages (half a minute) ..."
    cat > "$work/split.sh" <<END
set -euo pipefail
tar --create --one-file-system --exclude ./proc --exclude ./sys --exclude ./dev --exclude './var/cache/apt/*' --exclude './var/lib/apt/lists/*' --directory "\$1" --file "$PWD/$work/base.tar" .
others() { dpkg-query --admindir "\$1/var/lib/dpkg" --show --showformat '\${Package}\n' | grep --invert-match --line-regexp --extended-regexp '$kept'; }
# Those that the others need while they are removed go last.
dpkg --root="\$1" --purge --force-all \$(others "\$1" | grep --invert-match --line-regexp --extended-regexp 'coreutils|debconf|dpkg|grep|perl-base|sed')
dpkg --root="\$1" --purge --force-all \$(others "\$1")
rm -rf "\$1"/var/cache/* "\$1"/var/log/* "\$1"/var/lib/dpkg/info/* "\$1"/usr/lib/*/gconv "\$1"/usr/lib/python3.*/{test,pydoc_data}
END
    mmdebstrap --quiet --variant=minbase --include=ca-certificates,media-types,netbase,python3,tzdata \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --customize-hook="bash $PWD/$work/split.sh \"\$1\"" "$suite" "$work/runtime.tar" > "$work/base.log" 2>&1 ||
        { tail -n 20 "$work/base.log" >&2; exit 1; }
    imported "$work/base.tar" localhost/fifthfactor-build-base
    imported "$work/runtime.tar" localhost/fifthfactor-runtime-base
    set -- --pull=never --build-arg PYTHON=localhost/fifthfactor-build-base --build-arg RUNTIME=localhost/fifthfactor-runtime-base
else
    set -- --build-arg "PYTHON=$base"
fi
# The build trusts the authorities, and asks the index, that this machine trusts and asks. Neither is kept in the image.
[ ! -d /etc/ssl/certs ] || set -- "$@" --volume /etc/ssl/certs:/etc/ssl/certs:ro
[ ! -f /etc/pip.conf ] || set -- "$@" --volume /etc/pip.conf:/etc/pip.conf:ro
# In a container nothing but a chroot is to be had, and the limits that buildah would set are refused.
[ "$(id -u)" != 0 ] || set -- "$@" --isolation chroot --ulimit "nofile=$(ulimit -Hn)" --ulimit "nproc=$(ulimit -Hu)"

echo "building the image ..."
# The format of Docker has health checks, that of OCI has none.
buildah build --quiet "$@" --network host --format docker --file service/deploy/Containerfile \
    --label "org.opencontainers.image.title=Fifth Factor" --label "org.opencontainers.image.version=$version" \
    --label "org.opencontainers.image.revision=$revision" --tag fifthfactor --tag "fifthfactor:$version" . > "$work/build.log" 2>&1 ||
    { tail -n 40 "$work/build.log" >&2; exit 1; }
[ -n "$base" ] || buildah rmi localhost/fifthfactor-build-base localhost/fifthfactor-runtime-base >/dev/null
