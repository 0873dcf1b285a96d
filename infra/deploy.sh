#!/usr/bin/env bash
# Deploys an environment: hands all arguments to the CLI. infra/README.md shows the same with plain terraform.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec npx towpath deploy "$@"
