/**
 * For tests on an engine: images made of this computer's own programs, without a registry, and a copy of `local-stack/`
 * whose compose file names them. The images that developers have under the real names are left alone.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HOME = fileURLToPath(new URL('..', import.meta.url));
const COMMAND_LIMIT_MS = 60_000;
/** Says what it was told, as the real one does under this path when it is ready. */
const PLAYED_GRAFANA = `require('node:http')
  .createServer((request, response) => response.end(JSON.stringify(process.env)))
  .listen(Number(process.env.GF_SERVER_HTTP_PORT), process.env.GF_SERVER_HTTP_ADDR);
process.on('SIGTERM', () => process.exit(0));
`;
/** By the service's name: what its real image starts. Redis's runs what it is given. */
const ENTRY_POINTS: Readonly<Record<string, readonly string[]>> = {
  prometheus: ['/bin/prometheus'],
  grafana: ['/bin/node', '/grafana.cjs'],
  redis: [],
  'redis-exporter': ['/bin/prometheus-redis-exporter'],
};

export interface StandIns {
  /** A copy of `local-stack/`. */
  readonly home: string;
  remove(): void;
}

/** @param scratch a folder that the caller removes */
export function makeStandIns(scratch: string): StandIns {
  const archive = packPrograms(scratch);
  const tag = `${process.pid}-${Date.now()}`;
  const imageOf = (service: string) => `towpath-stack-test/${service}:${tag}`;
  for (const [service, entryPoint] of Object.entries(ENTRY_POINTS)) {
    const changes = ['--change', 'ENV PATH=/bin', '--change', `ENTRYPOINT ${JSON.stringify(entryPoint)}`];
    run('docker', ['import', ...changes, archive, imageOf(service)]);
  }
  const home = join(scratch, 'home');
  for (const part of ['prometheus', 'redis', 'grafana'])
    cpSync(join(HOME, part), join(home, part), { recursive: true });
  const compose = readFileSync(join(HOME, 'compose.yaml'), 'utf8').replaceAll(
    /^ {2}([\w-]+):\n {4}image: .*$/gm,
    (_, service: string) => `  ${service}:\n    image: ${imageOf(service)}`,
  );
  writeFileSync(join(home, 'compose.yaml'), compose);
  return {
    home,
    remove: () => run('docker', ['image', 'rm', '--force', ...Object.keys(ENTRY_POINTS).map(imageOf)]),
  };
}

/** Programs in /bin, and each library where the program looks for it. */
function packPrograms(scratch: string): string {
  const root = join(scratch, 'root');
  for (const folder of ['bin', 'etc/prometheus', 'etc/redis', 'prometheus', 'tmp'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'grafana.cjs'), PLAYED_GRAFANA);
  const files = [
    process.execPath,
    ...['prometheus', 'redis-server', 'prometheus-redis-exporter'].map((name) =>
      run('/bin/sh', ['-c', `command -v ${name}`]).trim(),
    ),
  ];
  for (const file of files) symlinkSync(file, join(root, 'bin', basename(file)));
  const libraries = files.flatMap((file) =>
    [...run('ldd', [file]).matchAll(/(\/\S+) \(0x/g)].map(([, name]) => name ?? ''),
  );
  const archive = join(scratch, 'programs.tar');
  const inside = [...new Set(libraries)].map((library) => library.slice(1));
  const own = ['bin', 'etc', 'prometheus', 'tmp', 'grafana.cjs'];
  run('tar', ['-chf', archive, '-C', root, ...own, '-C', '/', ...inside]);
  return archive;
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', timeout: COMMAND_LIMIT_MS });
}
