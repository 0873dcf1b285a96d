#!/usr/bin/env bash
# Checks out $COMMIT, if there is one: only what is part of this branch's history, and so was reviewed, gets credentials.
set -euo pipefail

commit=${COMMIT:-}
[ -n "$commit" ] || exit 0
if ! [[ $commit =~ ^[0-9a-f]{7,40}$ ]]; then
  printf '::error::The commit is %q; it must be 7 to 40 hexadecimal digits.\n' "$commit"
  exit 1
fi
if ! git merge-base --is-ancestor "$commit" HEAD; then
  printf '::error::%s is no commit of this branch. Only what was merged can be promoted.\n' "$commit"
  exit 1
fi
git checkout --quiet --detach "$commit"
