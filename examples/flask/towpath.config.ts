/**
 * The environments of the Flask example: two rungs of a ladder, with the defaults of everything that is left out.
 * `infra/` is the repository's Terraform, by links; only `infra/envs/` is its own.
 */
import { defineProject } from 'towpath';

export default defineProject({
  project: 'flask-example',
  application: 'flask',
  owner: 'devops-team',
  service: {
    // This folder is the source, and the Dockerfile's context.
    source: '.',
    // Python has nothing to build; these files are what the Dockerfile copies.
    bundle: { command: [], files: ['gunicorn.conf.py', 'service'] },
    healthCheck: { path: '/readyz', intervalSeconds: 5, timeoutSeconds: 2 },
    // The container reads it from APP_SECRET.
    secrets: ['app-secret'],
  },
  environments: [
    { name: 'test', cidr: '10.8.0.0/16', nat: 'single' },
    { name: 'prod', cidr: '10.9.0.0/16', promotion: { approvals: 1 }, protected: true },
  ],
});
