import { describe, expect, it } from 'vitest';
import { expandWord } from './expand-word.ts';
import { readImageConfig } from './image-config.ts';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

describe('a Dockerfile', () => {
  it('is read from its final stage alone', async () => {
    const config = await readImageConfig(
      [
        'FROM node:20 AS build',
        'ENV SECRET_OF_BUILD=1',
        'CMD ["wrong"]',
        'FROM node:20-slim',
        'ENV NODE_ENV=production',
        'WORKDIR /app',
        'COPY --from=build /src/dist ./dist',
        'USER node',
        'EXPOSE 5000',
        'STOPSIGNAL SIGTERM',
        'HEALTHCHECK CMD ["node", "check.js"]',
        'ENTRYPOINT ["node", "--enable source maps"]',
        'CMD ["dist/server.js"]',
      ].join('\n'),
    );
    expect(config).toEqual({
      Env: [PATH, 'NODE_ENV=production'],
      WorkingDir: '/app',
      User: 'node',
      ExposedPorts: { '5000/tcp': {} },
      StopSignal: 'SIGTERM',
      Entrypoint: ['node', '--enable source maps'],
      Cmd: ['dist/server.js'],
    });
  });

  it('goes on from an earlier stage, by name or number, but without its arguments', async () => {
    const text =
      'ARG BASE=base\nFROM alpine AS Base\nARG A=1\nENV B=$A\nWORKDIR /srv\nCMD ["x"]\nFROM ${BASE}\nENV C=[$A] B2=$B\nWORKDIR sub';
    expect(await readImageConfig(text)).toMatchObject({
      Env: [PATH, 'B=1', 'C=[]', 'B2=1'],
      WorkingDir: '/srv/sub',
      Cmd: ['x'],
    });
    expect(await readImageConfig('FROM a\nWORKDIR /zero\nFROM b\nFROM 0')).toMatchObject({
      WorkingDir: '/zero',
    });
  });

  it.each([
    ['CMD node server.js "a b"', ['/bin/sh', '-c', 'node server.js "a b"']],
    ['SHELL ["/bin/bash", "-lc"]\nCMD run me', ['/bin/bash', '-lc', 'run me']],
    ['CMD ["node", "$HOME", "a  b"]', ['node', '$HOME', 'a  b']],
    ['CMD ["first"]\nCMD ["last"]', ['last']],
    ["CMD ['single', 'quotes']", ['/bin/sh', '-c', "['single', 'quotes']"]],
    ['CMD ["two", \\\n  "lines"]', ['two', 'lines']],
  ])('%j runs what Docker would', async (lines, command) => {
    expect((await readImageConfig(`FROM x\n${lines}`)).Cmd).toEqual(command);
  });

  it('gives ENV its forms and its precedence', async () => {
    const text =
      'FROM x\nARG V=arg\nENV V=env W="two words" X=a\\ b\nENV OLD style value\nENV R=$V \\\n  Z=1';
    expect((await readImageConfig(text)).Env.slice(1)).toEqual([
      'V=env',
      'W=two words',
      'X=a b',
      'OLD=style value',
      'R=env',
      'Z=1',
    ]);
  });

  it('takes a global argument into a stage that asks for it', async () => {
    const text = 'ARG PORT=5000\nFROM x\nARG PORT\nEXPOSE $PORT 53/udp';
    expect((await readImageConfig(text)).ExposedPorts).toEqual({ '5000/tcp': {}, '53/udp': {} });
  });

  it('without FROM says so', async () => {
    await expect(readImageConfig('# nothing')).rejects.toThrow('it has no FROM instruction');
  });
});

describe('a word', () => {
  const variables = new Map([
    ['A', 'one'],
    ['EMPTY', ''],
  ]);
  it.each([
    ['$A/${A}', 'one/one'],
    ['$MISSING.', '.'],
    ['${EMPTY:-x$A}', 'xone'],
    ['${A:+yes}${EMPTY:+no}', 'yes'],
    ['\'$A\'"$A"', '$Aone'],
    ['\\$A', '$A'],
    ['"\\$A \\n"', '$A \\n'],
    ['5$', '5$'],
    ['a\\', 'a\\'],
  ])('%s is %s', (word, expanded) => {
    expect(expandWord(word, variables)).toBe(expanded);
  });
});
