/** What a task runs and with which variables, from its definition and its image. Pure. */
import type { ImageConfig } from './image-config.ts';

/**
 * As Docker does it: an entry point of the task definition sets the image's command aside;
 * a command of the task definition goes to whichever entry point there is.
 */
export function decideTaskCommand(
  spec: { readonly entryPoint?: readonly string[]; readonly command?: readonly string[] },
  image: Pick<ImageConfig, 'entryPoint' | 'command'>,
): readonly string[] {
  const ownEntryPoint = spec.entryPoint !== undefined && spec.entryPoint.length > 0;
  const ownCommand = spec.command !== undefined && spec.command.length > 0;
  const entryPoint = ownEntryPoint ? (spec.entryPoint ?? []) : image.entryPoint;
  const command = ownCommand ? (spec.command ?? []) : ownEntryPoint ? [] : image.command;
  return [...entryPoint, ...command];
}

/**
 * Variables of the image, then those of the task, then what the host must decide:
 * programs come from the host, so PATH does too, and HOME is a scratch folder.
 */
export function decideTaskEnvironment(input: {
  readonly image: readonly string[];
  readonly task: Readonly<Record<string, string>>;
  readonly host: { readonly path: string; readonly lang: string | undefined; readonly home: string };
}): Record<string, string> {
  const environment: Record<string, string> = {};
  if (input.host.lang !== undefined) environment.LANG = input.host.lang;
  environment.HOME = input.host.home;
  for (const pair of input.image) {
    const at = pair.indexOf('=');
    if (at > 0) environment[pair.slice(0, at)] = pair.slice(at + 1);
  }
  Object.assign(environment, input.task);
  environment.PATH = input.host.path;
  return environment;
}

/** `10.2.101.7` → `127.2.101.7`: each task has its own address on the whole of 127.0.0.0/8. */
export function loopbackAddressOf(privateIp: string): string | undefined {
  const octets = /^10\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(privateIp);
  if (octets === null || octets.slice(1).some((octet) => Number(octet) > 255)) return undefined;
  return `127.${octets[1]}.${octets[2]}.${octets[3]}`;
}
