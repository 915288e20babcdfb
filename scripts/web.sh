#!/bin/sh
# Fetches the page's libraries by package-lock.json and copies them to api/web/vendor. Without node the API runs all the same
# and the page says what is missing.
set -eu
[ -f package-lock.json ] || exit 0
stamp=api/web/vendor/.lock-digest
digest=$(cat package-lock.json scripts/vendor.mjs | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$digest" ] && exit 0
if ! command -v npm >/dev/null; then
  echo "node is not installed: the API will run, the page will have no map and no plots" >&2
  exit 0
fi
if npm ci --no-audit --no-fund --silent && node scripts/vendor.mjs; then
  echo "$digest" >"$stamp"
else
  echo "npm could not fetch the page's libraries: the API will run, the page will have no map and no plots" >&2
fi
