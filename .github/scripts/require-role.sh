#!/usr/bin/env bash
# Says what to set up when $ROLE, the role for the environment named by the argument, is missing.
set -euo pipefail

environment=$1
if [ -z "${ROLE:-}" ]; then
  printf '::error title=No role for %s::The repository variable TOWPATH_ROLES names no deploy role for %s. Apply infra/ci and set it: docs/ci.md, step 3.\n' "$environment" "$environment"
  exit 1
fi
