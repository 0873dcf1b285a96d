/**
 * Brings one task up: task definition, network, log stream, secrets, image, process.
 * What becomes of a task that does not come up is the runner's business.
 */
import type { Clock, ControlPlane, TaskDriver } from '../../contract.ts';
import { TaskStartError } from '../../contract.ts';
import type { NetworkView } from '../../network/network-view.ts';
import type { TaskNetwork, TaskRecord } from '../model.ts';
import { stopText } from '../wording.ts';
import type { AddressBook } from './addresses.ts';
import { prepareLogs } from './logs.ts';
import { resolveSecrets } from './secrets.ts';
import type { SubnetDirectory } from './subnets.ts';
import {
  type ContainerDefinition,
  essentialContainer,
  type LoadedTaskDefinition,
  loadTaskDefinition,
} from './task-definition.ts';
import { describeDefinition, enterStatus, networkFor } from './task-record.ts';
import { containerPortOf, pinImage, type TaskSurroundings, taskSpec } from './task-spec.ts';

/** Task definitions remembered at once. */
const MAX_DEFINITIONS = 200;
/** AWS-side time after which a task without a way to the registry gives up. AWS does not publish it: assumption. */
const NO_WAY_OUT_AWS_MS = 60_000;
/** Real milliseconds between two looks whether such a task was stopped meanwhile. */
const GIVE_UP_POLL_MS = 100;

export interface TaskLauncherOptions {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly driver: TaskDriver;
  readonly subnets: SubnetDirectory;
  readonly addresses: AddressBook;
  readonly surroundings: () => TaskSurroundings;
  readonly network: NetworkView;
  /** True once everything is being shut down. */
  readonly closed: () => boolean;
}

interface Place {
  readonly network: TaskNetwork;
  /** Where the process listens; undefined when the container has no port. */
  readonly port: number | undefined;
}

export class TaskLauncher {
  readonly #options: TaskLauncherOptions;
  readonly #definitions = new Map<string, LoadedTaskDefinition>();

  constructor(options: TaskLauncherOptions) {
    this.#options = options;
  }

  /**
   * Everything up to the running process. Stops early when somebody stopped the task meanwhile.
   * @returns the container that runs, or undefined when it ended early
   * @throws TaskStartError, or AwsError when the control plane fails
   */
  async bringUp(task: TaskRecord): Promise<ContainerDefinition | undefined> {
    const { clock, control, driver, surroundings } = this.#options;
    const definition = await this.#definitionOf(task.revision.taskDefinitionArn);
    const container = essentialContainer(definition);
    if (!container) throw new TaskStartError('TaskFailedToStart', 'the task definition has no container');
    const { runtimeId } = describeDefinition(task, definition, container, control);
    const { network, port } = await this.#findPlace(task, containerPortOf(container));
    task.network = network;
    task.zone = network.zone;
    if (task.stopCause) return undefined;
    enterStatus(task, 'PENDING');
    task.connectedAt = clock.now();
    await this.#reachRegistry(task, network);
    if (task.stopCause) return undefined;
    await prepareLogs(control, container, task.id, runtimeId);
    const role = definition.executionRoleArn;
    const reader = role === undefined ? undefined : { roleArn: role, taskId: task.id };
    const secrets = await resolveSecrets(control, container.secrets, reader);
    if (task.stopCause) return undefined;
    await this.#pull(task, container, platformOf(definition));
    if (task.stopCause) return undefined;
    enterStatus(task, 'ACTIVATING');
    task.running = await driver.start(
      taskSpec(task, definition, container, network, port, secrets, surroundings()),
    );
    return task.stopCause ? undefined : container;
  }

  /** Nothing else is asked for before the image can be: without a way to AWS a task never gets further. */
  async #reachRegistry(task: TaskRecord, place: TaskNetwork): Promise<void> {
    const { clock, control, network, closed } = this.#options;
    const publicIp = task.revision.network.assignPublicIp === 'ENABLED';
    if (await network.reachesRegistry({ subnetId: place.subnetId, vpcId: place.vpcId, publicIp })) return;
    const until = clock.now() + clock.scaled(NO_WAY_OUT_AWS_MS);
    while (clock.now() < until && !task.stopCause && !closed()) await clock.sleep(GIVE_UP_POLL_MS);
    if (!task.stopCause)
      throw new TaskStartError('ResourceInitializationError', stopText.noWayOut(control.region));
  }

  /** Tags are resolved once for each deployment: all its tasks run exactly the bytes of the first pull. */
  async #pull(task: TaskRecord, container: ContainerDefinition, platform: string): Promise<void> {
    const { clock, driver } = this.#options;
    const pins = task.deployment?.imageDigests;
    const pinned = pins?.get(container.name);
    task.pullStartedAt = clock.now();
    const image = pinned === undefined ? container.image : pinImage(container.image, pinned);
    const { digest } = await driver.pull(image, platform);
    task.pullStoppedAt = clock.now();
    if (pinned === undefined) pins?.set(container.name, digest);
    for (const state of task.containers) if (state.name === container.name) state.imageDigest = digest;
  }

  async #definitionOf(arn: string): Promise<LoadedTaskDefinition> {
    const kept = this.#definitions.get(arn);
    if (kept) return kept;
    const loaded = await loadTaskDefinition(this.#options.control, arn);
    this.#definitions.set(arn, loaded);
    const [oldest] = this.#definitions.keys();
    if (this.#definitions.size > MAX_DEFINITIONS && oldest !== undefined) this.#definitions.delete(oldest);
    return loaded;
  }

  /** An address in the task's zone. */
  async #findPlace(task: TaskRecord, containerPort: number | undefined): Promise<Place> {
    const { subnets, addresses } = this.#options;
    const all = await subnets.load(task.revision.network.subnets);
    const inZone = all.filter((candidate) => candidate.zone === task.zone);
    for (const subnet of inZone) {
      const allocation = await addresses.allocate(subnet.id, subnet.cidr, containerPort);
      if (allocation) return { network: networkFor(subnet, allocation), port: allocation.port };
    }
    const tried = inZone.map((subnet) => `${subnet.id} (${subnet.cidr})`).join(', ') || 'no subnet';
    throw new TaskStartError(
      'ResourceInitializationError',
      `no free address in zone ${task.zone} for port ${containerPort ?? 'none'}: tried ${tried}`,
    );
  }
}

/** What Fargate runs unless the task definition says otherwise is linux/amd64. */
function platformOf({ runtimePlatform }: LoadedTaskDefinition): string {
  return `linux/${runtimePlatform?.cpuArchitecture === 'ARM64' ? 'arm64' : 'amd64'}`;
}
