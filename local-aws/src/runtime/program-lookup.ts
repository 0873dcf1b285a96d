/** Finds the program that a task names: in its image when it is a path, on the host's PATH when it is a name. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';

export interface ProgramPlace {
  readonly rootfs: string;
  /** Real path of the task's working folder. */
  readonly workingDirectory: string;
  /** The host's PATH. */
  readonly hostPath: string;
}

/** @returns the file to execute, or undefined when there is none */
export async function findProgram(name: string, place: ProgramPlace): Promise<string | undefined> {
  const candidates = name.startsWith('/')
    ? [path.join(place.rootfs, name), name]
    : name.includes('/')
      ? [path.resolve(place.workingDirectory, name)]
      : place.hostPath.split(path.delimiter).map((directory) => path.join(directory, name));
  for (const candidate of candidates) {
    if (path.isAbsolute(candidate) && (await isExecutable(candidate))) return candidate;
  }
  return undefined;
}

/** There is no chroot: an argument such as `/app/server.js` that names a file of the image is made to point at it. */
export async function placeArgument(argument: string, rootfs: string): Promise<string> {
  if (!argument.startsWith('/') || argument === '/') return argument;
  const inside = path.join(rootfs, argument);
  if (!inside.startsWith(rootfs + path.sep)) return argument;
  return stat(inside).then(
    () => inside,
    () => argument,
  );
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
