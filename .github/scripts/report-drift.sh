#!/usr/bin/env bash
# Opens or updates the one issue with the label "drift" from the plans in <folder>; closes it when all are empty.
set -euo pipefail

readonly folder=$1
readonly label=drift
issue=$(mktemp)
trap 'rm -f "$issue"' EXIT

print="$(dirname "${BASH_SOURCE[0]}")/print-plans.mjs"
node "$print" drift "$folder" > "$issue"
verdict=$(node "$print" verdict "$folder")
cat "$issue" >> "$GITHUB_STEP_SUMMARY"

number=$(gh issue list --label "$label" --state open --limit 1 --json number --jq '.[0].number // empty')
if [ "$verdict" = clean ]; then
  if [ -n "$number" ]; then gh issue close "$number" --comment "All environments are as their Terraform says: $RUN_URL"; fi
elif [ -n "$number" ]; then
  gh issue edit "$number" --body-file "$issue"
else
  gh label create "$label" --force --color D93F0B --description 'An environment is not as its Terraform says'
  gh issue create --title 'Environments differ from their Terraform' --label "$label" --body-file "$issue"
fi
