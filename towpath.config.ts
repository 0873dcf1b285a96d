/**
 * The environment matrix of this project: the one file to edit. After a change run `towpath sync`,
 * which writes `infra/envs/`; every command refuses a file that cannot work, and says why.
 *
 * Only `project`, `owner` and `environments` (with `name` and `cidr`) are required. What is left out has the
 * default that your editor shows when you point at a key.
 */
import { defineProject } from 'towpath';

export default defineProject({
  // First part of every AWS name: devops-app-prod-vpc, /devops-app/prod/app-secret, ...
  project: 'devops-app',
  // Tag `Application` and the name of the container.
  application: 'app',
  // Tag `Owner`: the team to ask.
  owner: 'devops-team',
  region: 'us-east-1',
  // Two or three zones of the region.
  availabilityZones: ['us-east-1a', 'us-east-1b', 'us-east-1c'],

  // Alarms link their section of docs/runbook.md; without an address they name the file:
  // runbookUrl: 'https://github.com/acme/shop/blob/main/docs/runbook.md',

  service: {
    // Folder of the source; its Dockerfile is built with the folder of this file as context.
    source: 'app',
    // How the embedded AWS, which needs no container engine, gets the production files.
    bundle: { command: ['node', 'build.mjs'], files: ['dist', 'package.json'] },
    // How `npm run dev` runs the source, again after every change; here faults may be injected.
    dev: {
      build: ['node', 'build.mjs'],
      command: ['node', 'dist/server.js'],
      environment: { FAULTS: 'on', SHUTDOWN_DELAY_MS: '0' },
    },
    port: 5000,
    // A quarter of a vCPU and 512 MiB, the smallest size that Fargate offers.
    cpu: 256,
    memory: 512,
    // The load balancer asks often, so that a rollout takes seconds instead of minutes.
    healthCheck: { path: '/readyz', intervalSeconds: 5, timeoutSeconds: 2 },
    // Between 1 and 10 tasks, so that CPU stays near 70 % and memory near 80 %.
    scaling: { min: 1, max: 10, cpuPercent: 70, memoryPercent: 80 },
    // Each is a SecureString in the Parameter Store; the container reads this one from APP_SECRET.
    // Set values with `towpath secret set ENVIRONMENT app-secret`; they are never written here.
    secrets: ['app-secret'],
    // Plain variables of the container.
    environment: {},
  },

  // In promotion order. The first takes new releases; the others take what is verified in the one before.
  environments: [
    // One NAT gateway instead of three: cheaper, and the zone it stands in takes the others' egress with it.
    { name: 'test', cidr: '10.3.0.0/16', nat: 'single', logRetentionDays: 7 },
    { name: 'qa', cidr: '10.1.0.0/16', nat: 'single', promotion: { approvals: 1 }, logRetentionDays: 14 },
    // Opens by itself as soon as qa succeeds, and then waits for one person.
    { name: 'staging', cidr: '10.2.0.0/16', nat: 'per-az', promotion: { trigger: 'auto', approvals: 1 } },
    {
      name: 'prod',
      cidr: '10.0.0.0/16',
      nat: 'per-az',
      // Ten healthy minutes in staging first, and somebody else's yes.
      promotion: { trigger: 'manual', approvals: 1, soak: '10m' },
      // Nothing here is destroyed or replaced without an explicit yes.
      protected: true,
      // A quarter to look back; the others keep a week, two, and 30 days.
      logRetentionDays: 90,
      // One task in each zone. An environment overrides any part of `service`.
      service: { scaling: { min: 3 } },
      // An account of its own, and HTTPS:
      // account: '123456789012',
      // profile: 'devops-prod',
      // certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/...',
      // alarmEmail: 'devops-team@example.com',
      // What CI may deploy (infra/ci):
      // permissionsBoundary: 'arn:aws:iam::123456789012:policy/ci/devops-app-prod-boundary',
    },
  ],
});
