/**
 * `npm run generate -w local-stack`: writes the dashboards of src/ to grafana/dashboards/. The files are committed, so
 * that Grafana needs nothing of this; a test fails when they are stale. Bundles first, for Node 20 does not run TypeScript.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(fileURLToPath(import.meta.url));
const OUT = join(ROOT, 'grafana', 'dashboards');

const { outputFiles } = await build({
  entryPoints: [join(ROOT, 'src', 'all-dashboards.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  write: false,
  logLevel: 'warning',
});
const bundle = Buffer.from(outputFiles[0].contents).toString('base64');
const { allDashboards, renderDashboard } = await import(`data:text/javascript;base64,${bundle}`);

const dashboards = Object.entries(allDashboards());
await mkdir(OUT, { recursive: true });
const old = (await readdir(OUT)).filter((file) => file.endsWith('.json'));
await Promise.all(old.map((file) => rm(join(OUT, file))));
for (const [file, dashboard] of dashboards) {
  await writeFile(join(OUT, file), renderDashboard(dashboard));
  console.log(`grafana/dashboards/${file}  ${dashboard.title}`);
}
