#!/usr/bin/env bash
# Checks all Terraform of this folder without AWS: format, validity, tests of the root and of each module.
# One download of the provider serves all; two tests run at a time, since one takes up to 1 GB. Needs no credentials.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly max_parallel=2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TF_DATA_DIR="$work/data" TF_IN_AUTOMATION=1

test_folder() {
  local folder=$1 log
  log="$work/$(basename "$folder").log"
  # The provider chosen by the root's init is the one that the modules ask for, too.
  [ "$folder" = . ] || cp .terraform.lock.hcl "$folder/"
  if terraform -chdir="$folder" test -no-color >"$log" 2>&1; then
    printf 'ok      %-24s %s\n' "$folder" "$(tail -n 1 "$log")"
  else
    printf 'FAILED  %s\n' "$folder"
    cat "$log"
    return 1
  fi
}

# Every input and output stands in the README beside it.
undocumented() {
  local folder kind name missing=0
  for folder in . modules/*; do
    while read -r kind name; do
      if ! grep -q "^| \`$name\` |" "$folder/README.md"; then
        printf '%s/README.md lacks a row for %s "%s"\n' "$folder" "$kind" "$name"
        missing=1
      fi
    done < <(sed -nE 's/^(variable|output) "([^"]+)".*/\1 \2/p' "$folder"/*.tf)
  done
  [ "$missing" -eq 1 ]
}

if undocumented; then exit 1; fi
terraform fmt -check -recursive -diff
terraform init -backend=false -input=false -no-color >"$work/init.log" || { cat "$work/init.log"; exit 1; }
terraform validate -no-color

pids=()
failed=0
for folder in . modules/*/; do
  if [ "${#pids[@]}" -ge "$max_parallel" ]; then
    wait "${pids[0]}" || failed=1
    pids=("${pids[@]:1}")
  fi
  test_folder "${folder%/}" &
  pids+=("$!")
done
for pid in "${pids[@]}"; do
  wait "$pid" || failed=1
done
exit "$failed"
