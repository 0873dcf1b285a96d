/** What an action tells while it runs; views turn it into lines, a redrawn screen or JSON. */
import type { Gate } from './gates.ts';
import type { PlanSummary } from './plan.ts';
import type { Release } from './release.ts';
import type { ServiceSnapshot } from './rollout.ts';

/** Any event may say which environment it is about; it has to where several run side by side. */
export type ProgressEvent = EventBody & { readonly environment?: string | undefined };

type EventBody =
  /** Several environments are worked on at once from here on. */
  | { readonly type: 'several'; readonly environments: readonly string[] }
  | {
      readonly type: 'target';
      readonly kind: 'aws' | 'local';
      readonly account: string;
      readonly region: string;
      readonly identity: string;
      readonly environment: string;
      readonly endpoint?: string | undefined;
    }
  /** A named stage begins; it ends with `stage.end` of the same name. */
  | { readonly type: 'stage.start'; readonly stage: string }
  | {
      readonly type: 'stage.end';
      readonly stage: string;
      readonly ms: number;
      readonly outcome: 'done' | 'failed';
      readonly detail?: string | undefined;
    }
  /** A fact worth a line. */
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'warning'; readonly text: string; readonly hint?: string | undefined }
  | {
      readonly type: 'terraform.resource';
      readonly address: string;
      readonly action: string;
      readonly state: 'started' | 'progress' | 'done' | 'failed';
      readonly elapsedSeconds: number;
    }
  | { readonly type: 'terraform.plan'; readonly summary: PlanSummary }
  | { readonly type: 'release'; readonly release: Release; readonly image: string }
  | {
      readonly type: 'gates';
      readonly environment: string;
      readonly promotion: string | undefined;
      readonly release: string;
      readonly gates: readonly Gate[];
    }
  | { readonly type: 'rollout'; readonly snapshot: ServiceSnapshot; readonly requestedDigest: string }
  | { readonly type: 'service.event'; readonly time: string; readonly message: string };
