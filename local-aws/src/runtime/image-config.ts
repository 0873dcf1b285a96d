/** The part of an OCI image configuration that running a process needs, and the platform rule. Pure. */
import * as z from 'zod';

const stringList = z.array(z.string()).nullish();

const imageConfigSchema = z.object({
  os: z.string().optional(),
  architecture: z.string().optional(),
  config: z
    .object({
      Env: stringList,
      Entrypoint: stringList,
      Cmd: stringList,
      WorkingDir: z.string().nullish(),
      StopSignal: z.string().nullish(),
    })
    .nullish(),
});

export interface ImageConfig {
  readonly platform: string;
  /** `NAME=value` pairs in the order of the image. */
  readonly environment: readonly string[];
  readonly entryPoint: readonly string[];
  readonly command: readonly string[];
  /** Absolute path inside the image; `/` when it names none. */
  readonly workingDirectory: string;
  /** Signal name such as `SIGTERM`, or undefined when the image asks for none. */
  readonly stopSignal: string | undefined;
}

/** Platforms that Fargate runs. The host's own may be another: the programs come from the host. */
export const SUPPORTED_PLATFORMS: readonly string[] = ['linux/amd64', 'linux/arm64'];

/** @throws Error naming what is malformed in the configuration blob */
export function parseImageConfig(text: string): ImageConfig {
  const parsed = imageConfigSchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new Error(`the image configuration is malformed: ${z.prettifyError(parsed.error)}`);
  }
  const { os, architecture, config } = parsed.data;
  return {
    platform: `${os ?? 'linux'}/${architecture ?? 'unknown'}`,
    environment: config?.Env ?? [],
    entryPoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
    workingDirectory: config?.WorkingDir || '/',
    stopSignal: config?.StopSignal ?? undefined,
  };
}
