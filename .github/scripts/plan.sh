#!/usr/bin/env bash
# Plans $ENVIRONMENT and leaves the answer, a plan or the reason why there is none, in <folder>/<environment>.json.
# Exits as towpath did: a plan that is not empty is no failure.
set -euo pipefail

readonly folder=$1
# A deployment that is under way holds the state for minutes.
readonly max_attempts=${PLAN_ATTEMPTS:-4}
readonly pause_seconds=${PLAN_PAUSE_SECONDS:-45}

mkdir -p "$folder"
answer="$folder/$ENVIRONMENT.json"
for ((attempt = 1; ; attempt++)); do
  code=0
  npx towpath plan "$ENVIRONMENT" --json > "$answer.lines" || code=$?
  # The last line is the result or the error; those before it are progress.
  tail -n 1 "$answer.lines" > "$answer"
  rm "$answer.lines"
  # Errors are one line of compact JSON.
  if [ "$code" -eq 0 ] || [ "$attempt" -ge "$max_attempts" ] || ! grep --quiet '"code":"STATE_LOCKED"' "$answer"; then break; fi
  echo "The state of $ENVIRONMENT is locked; trying again in $pause_seconds s ($attempt of $max_attempts)"
  sleep "$pause_seconds"
done
node -p 'const answer = JSON.parse(require("node:fs").readFileSync(process.argv[1])); answer.message ?? answer.text' "$answer" || cat "$answer"
exit "$code"
