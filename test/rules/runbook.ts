/** What docs/runbook.md and the alarms of infra/modules/monitoring say of each other. Pure. */

/** Names of the alarms: the keys of `metric_alarms` and `expression_alarms`, as `terraform fmt` indents them. */
export function alarmKeys(terraform: string): readonly string[] {
  const maps = [...terraform.matchAll(/^ {2}(?:metric|expression)_alarms = \{\n(.*?)^ {2}\}$/gms)];
  return maps.flatMap(([, body = '']) =>
    [...body.matchAll(/^ {4}"?([a-z0-9-]+)"? += \{$/gm)].map(([, key = '']) => key),
  );
}

/** Headings of the second level: an anchor that GitHub makes of one of our names is the name itself. */
export function sections(markdown: string): ReadonlyMap<string, string> {
  const parts = markdown.split(/^## /m).slice(1);
  return new Map(
    parts.map((part) => {
      const [heading = '', ...lines] = part.split('\n');
      return [heading, lines.join('\n')];
    }),
  );
}
