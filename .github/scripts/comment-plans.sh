#!/usr/bin/env bash
# Writes the plans in <folder> into the pull request's one comment, and makes it when there is none yet.
set -euo pipefail

readonly folder=$1
# The first line of the comment, by which it is found again; render-plans.mjs writes it.
readonly marker='<!-- towpath-plans -->'
comment=$(mktemp)
trap 'rm -f "$comment"' EXIT

node "$(dirname "${BASH_SOURCE[0]}")/print-plans.mjs" comment "$folder" > "$comment"
cat "$comment" >> "$GITHUB_STEP_SUMMARY"

export marker
ids=$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments?per_page=100" \
  --jq '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith(env.marker))) | .id')
id=${ids%%$'\n'*}
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$REPOSITORY/issues/comments/$id" --field "body=@$comment" --silent
else
  gh api "repos/$REPOSITORY/issues/$NUMBER/comments" --field "body=@$comment" --silent
fi
