/** Where an installed Grafana keeps its pages and defaults: the program looks only in the current folder by itself. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PACKAGED = '/usr/share/grafana';

/** @param program path of `grafana-server` */
export function findGrafanaHome(program: string): string {
  const prefix = join(dirname(existsSync(program) ? realpathSync(program) : program), '..');
  // Homebrew's, and an archive unpacked as it is.
  const candidates = [join(prefix, 'share', 'grafana'), prefix];
  return candidates.find((folder) => existsSync(join(folder, 'conf', 'defaults.ini'))) ?? PACKAGED;
}
