#!/usr/bin/env bash
# Runs `towpath <verb> $ENVIRONMENT`, and puts what it said into the run's summary and the outcome into its outputs:
# done, or waiting for a gate, which is exit code 3 and no failure.
set -euo pipefail

readonly verb=$1
readonly waiting_code=3
readonly summary_lines=60
log=$(mktemp)
trap 'rm -f "$log"' EXIT

code=0
npx towpath "$verb" "$ENVIRONMENT" 2>&1 | tee "$log" || code=${PIPESTATUS[0]}

case $code in
  0) outcome='done' ;;
  "$waiting_code") outcome=waiting ;;
  *) outcome=failed ;;
esac
echo "outcome=$outcome" >> "$GITHUB_OUTPUT"
{
  printf '### %s %s: %s\n\n' "$verb" "$ENVIRONMENT" "$outcome"
  # Indented, so that nothing in it is taken for markup.
  tail -n "$summary_lines" "$log" | sed 's/^/    /'
  printf '\n'
  if [ "$outcome" = waiting ]; then
    # shellcheck disable=SC2016
    printf 'The promotion waits for its gates. `towpath status %s` shows them; whoever may, answers with `towpath approve %s`.\n' "$ENVIRONMENT" "$ENVIRONMENT"
  fi
} >> "$GITHUB_STEP_SUMMARY"
[ "$outcome" = failed ] && exit "$code"
exit 0
