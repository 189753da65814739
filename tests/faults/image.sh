#!/usr/bin/env bash
# Builds the Dockerfile's image without a Docker engine: buildah in a chroot, on a base made by
# debootstrap. Needs root, buildah and debootstrap. Usage: tests/faults/image.sh FOLDER [IMAGE]
#
# FOLDER keeps the base and buildah's storage, so that a second build is quick. How this machine
# reaches its package index (pip's settings, a CA bundle, folders of wheels) is lent to the build.
set -euo pipefail

folder=$(realpath -m "$1")
image=${2:-sprd}
project=$(realpath "$(dirname "$0")/../..")
mirror=${SPRD_DEBIAN_MIRROR:-} # empty: debootstrap has a default
mkdir -p "$folder/lent"
buildah() { command buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver vfs "$@"; }

if ! buildah inspect --type image sprd-base >/dev/null 2>&1; then
  rm -rf "$folder/base"
  debootstrap --variant=minbase --include=python3,python3-pip,python3-venv,ca-certificates \
    bookworm "$folder/base" ${mirror:+"$mirror"} >"$folder/debootstrap.txt" 2>&1
  ln -sf python3 "$folder/base/usr/bin/python"
  rm -rf "$folder"/base/var/cache/apt/archives/*.deb "$folder"/base/var/lib/apt/lists/*
  container=$(buildah from scratch)
  buildah add -q "$container" "$folder/base" / >/dev/null
  buildah commit -q "$container" sprd-base >/dev/null
  buildah rm "$container" >/dev/null
  rm -rf "$folder/base"
fi

# pip's settings of this machine, and what they point to.
lent=(--volume "$folder/lent/pip.conf:/etc/pip.conf:ro")
cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$folder/lent/ca.crt"
lent+=(--volume "$folder/lent/ca.crt:/etc/lent-ca.crt:ro")
python3 -m pip config list | sed -n "s/^\(global\|:env:\)\.//p" | tr -d "'" \
  | awk -F= '!seen[$1]++ && $1 !~ /cert/' \
  | { echo '[global]'; echo 'cert = /etc/lent-ca.crt'; cat; } >"$folder/lent/pip.conf"
for path in $(grep -oE '(file://)?/[^ ,=]+' "$folder/lent/pip.conf" | sed 's,^file://,,'); do
  while [[ $path != / && $path == */simple* ]]; do path=$(dirname "$path"); done
  [[ -e $path ]] && lent+=(--volume "$path:$path:ro")
done

buildah bud --isolation chroot --network host --build-arg BASE=localhost/sprd-base \
  "${lent[@]}" --tag "$image" "$project"
buildah images --format '{{.Name}} {{.Size}}'
