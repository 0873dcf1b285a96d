/** The network of all tasks of one embedded AWS, with a door to its gateway. */
import type { DockerEngine } from './docker-engine.ts';
import { startGatewayRelay } from './gateway-relay.ts';

export interface DockerNetwork {
  readonly name: string;
  /** The gateway as containers reach it. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** @throws Error when the engine's network is not this computer's, as with an engine in a virtual machine */
export async function openDockerNetwork(
  engine: DockerEngine,
  name: string,
  labels: Readonly<Record<string, string>>,
  gateway: () => string,
): Promise<DockerNetwork> {
  const path = `/networks/${name}`;
  await engine.call({ method: 'DELETE', path }).catch(() => undefined); // of an earlier run
  const json = { Name: name, Driver: 'bridge', CheckDuplicate: true, Labels: labels };
  await engine.call({ method: 'POST', path: '/networks/create', json });
  const remove = async (): Promise<void> => {
    await engine.call({ method: 'DELETE', path }).catch(() => undefined); // the next start tries again
  };
  try {
    const { IPAM } = await engine.call<{ IPAM?: { Config?: { Gateway?: string }[] } }>({
      method: 'GET',
      path,
    });
    const address = IPAM?.Config?.[0]?.Gateway?.split('/')[0];
    if (address === undefined) throw new Error(`the engine gave network ${name} no address of this computer`);
    const relay = await startGatewayRelay(address, gateway);
    return {
      name,
      endpoint: relay.endpoint,
      close: async () => {
        await relay.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error;
    throw new Error(
      `the engine does not run on this computer itself (a virtual machine?), so its containers can't reach the ` +
        `embedded AWS: use --driver process`,
    );
  }
}
