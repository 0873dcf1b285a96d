import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SERVER_PROGRAMS } from './server-program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'grafana-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ports = { prometheus: 9090, grafana: 3000, redis: 6379, 'redis-exporter': 9121 };
const argsOfGrafana = (program: string) =>
  SERVER_PROGRAMS.find(({ name }) => name === 'grafana')?.args({
    program,
    ports,
    home: '/stack',
    folder: '/state',
    prometheusConfig: '',
  });

function install(home: string, program: string): string {
  mkdirSync(join(folder, home, 'conf'), { recursive: true });
  writeFileSync(join(folder, home, 'conf', 'defaults.ini'), '');
  mkdirSync(join(folder, program, '..'), { recursive: true });
  writeFileSync(join(folder, program), '');
  return join(folder, program);
}

it('starts Grafana where a package has put it, under both of its names', () => {
  expect(argsOfGrafana('/usr/sbin/grafana-server')).toEqual(['--homepath', '/usr/share/grafana']);
  expect(argsOfGrafana('/usr/sbin/grafana')).toEqual(['server', '--homepath', '/usr/share/grafana']);
});

it('finds the home of one that Homebrew has linked, and of an archive that was unpacked', () => {
  const brewed = install('cellar/grafana/share/grafana', 'cellar/grafana/bin/grafana-server');
  mkdirSync(join(folder, 'bin'));
  symlinkSync(brewed, join(folder, 'bin', 'grafana-server'));
  expect(argsOfGrafana(join(folder, 'bin', 'grafana-server'))?.[1]).toBe(
    join(folder, 'cellar/grafana/share/grafana'),
  );
  const unpacked = install('grafana-12', 'grafana-12/bin/grafana');
  expect(argsOfGrafana(unpacked)?.[2]).toBe(join(folder, 'grafana-12'));
});
