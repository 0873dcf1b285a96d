/**
 * The fold of promotions against a model: random histories as the actions write them (one open promotion at most,
 * deployments one after the other), each step checked against a state machine of three variables.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LedgerEvent, type LedgerPayload, nextEvent } from './ledger.ts';
import { personOf } from './person.ts';
import { foldPromotions, openPromotion, type PromotionState } from './promotion.ts';
import { makeRelease, type Release } from './release.ts';

const RELEASES: readonly Release[] = ['a', 'b', 'c'].map((hexDigit) =>
  makeRelease({
    imageDigest: `sha256:${hexDigit.repeat(64)}`,
    terraformHash: 'f'.repeat(64),
    sourceCommit: 'none',
  }),
);
const PEOPLE = ['alice', 'bob', 'carol'] as const;

type Step =
  | { readonly do: 'open'; readonly release: number; readonly kind: 'promote' | 'apply'; readonly by: number }
  | { readonly do: 'approve'; readonly by: number; readonly role: boolean }
  | { readonly do: 'reject' | 'run' | 'destroy' }
  | { readonly do: 'break-glass'; readonly release: number }
  | { readonly do: 'end'; readonly as: 'succeeded' | 'failed' | 'errored' | 'aborted' };

const index = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('open' as const),
    release: index,
    kind: fc.constantFrom('promote', 'apply'),
    by: index,
  }),
  fc.record({ do: fc.constant('approve' as const), by: index, role: fc.boolean() }),
  fc.record({ do: fc.constantFrom('reject' as const, 'run' as const, 'destroy' as const) }),
  fc.record({ do: fc.constant('break-glass' as const), release: index }),
  fc.record({
    do: fc.constant('end' as const),
    as: fc.constantFrom('succeeded', 'failed', 'errored', 'aborted'),
  }),
);

/** What the model knows: who is open, what deployment runs, what was approved by whom, and how each ended. */
interface Model {
  readonly states: Map<string, PromotionState>;
  readonly subjects: Map<string, { readonly release: Release; readonly kind: 'promote' | 'apply' }>;
  readonly approvers: Map<string, Set<string>>;
  open: string | undefined;
  deployment:
    | { readonly id: string; readonly release: Release; readonly promotion: string | undefined }
    | undefined;
  current: string | undefined;
}

interface History {
  readonly events: LedgerEvent[];
  readonly model: Model;
}

function append(
  history: History,
  payload: LedgerPayload,
  actor: string = 'arn:aws:iam::1:user/machine',
): void {
  const time = new Date(Date.UTC(2026, 0, 1, 0, history.events.length)).toISOString();
  history.events.push(nextEvent(history.events.at(-1), { time, actor, payload }));
}

const arnOf = (person: number, role: boolean) =>
  role ? `arn:aws:sts::1:assumed-role/deployer/${PEOPLE[person]}` : `arn:aws:iam::1:user/${PEOPLE[person]}`;

const releaseAt = (place: number): Release => {
  const release = RELEASES[place];
  if (!release) throw new Error(`no release at ${place}`);
  return release;
};

function close(model: Model, id: string, state: PromotionState): void {
  model.states.set(id, state);
  if (model.open === id && state !== 'open' && state !== 'running') model.open = undefined;
}

/** Steps that could not happen are left out: they are no history. */
function take(history: History, step: Step): void {
  const { model } = history;
  const { open, deployment } = model;
  const idle = open !== undefined && model.states.get(open) === 'open';
  if (step.do === 'open') openNew(history, step);
  else if (step.do === 'approve' && idle) {
    const by = arnOf(step.by, step.role);
    append(history, { type: 'promotion.approved', promotion: open }, by);
    model.approvers.get(open)?.add(personOf(by));
  } else if (step.do === 'reject' && idle) {
    append(history, { type: 'promotion.rejected', promotion: open, reason: 'no' });
    close(model, open, 'rejected');
  } else if (step.do === 'run' && idle && !deployment) {
    const subject = model.subjects.get(open);
    if (subject) start(history, subject.release, open);
    model.states.set(open, 'running');
  } else if (step.do === 'break-glass' && !deployment) start(history, releaseAt(step.release), undefined);
  else if (step.do === 'end' && deployment) end(history, step.as);
  else if (step.do === 'destroy' && !deployment) {
    append(history, { type: 'environment.destroyed' });
    model.current = undefined;
    if (idle && model.subjects.get(open)?.kind === 'apply') close(model, open, 'superseded');
  }
}

function openNew(history: History, step: Extract<Step, { do: 'open' }>): void {
  const { model } = history;
  const release = releaseAt(step.release);
  // A changed configuration is asked for what runs.
  if (step.kind === 'apply' && model.current !== release.id) return;
  if (model.open !== undefined) {
    append(history, { type: 'promotion.superseded', promotion: model.open, by: release.id });
    close(model, model.open, 'superseded');
  }
  const id = `p-${history.events.length}`;
  const { kind } = step;
  const image = `shop@${release.imageDigest}`;
  append(
    history,
    { type: 'promotion.opened', promotion: id, kind, release, image, from: 'staging', trigger: 'manual' },
    arnOf(step.by, false),
  );
  model.states.set(id, 'open');
  model.subjects.set(id, { release, kind });
  model.approvers.set(id, new Set());
  model.open = id;
}

function start(history: History, release: Release, promotion: string | undefined): void {
  const id = `d-${history.events.length}`;
  append(history, {
    type: 'deployment.started',
    deployment: id,
    release,
    image: `shop@${release.imageDigest}`,
    kind: promotion === undefined ? 'break-glass' : 'promote',
    ...(promotion === undefined ? {} : { promotion }),
  });
  history.model.deployment = { id, release, promotion };
}

function end(history: History, outcome: Extract<Step, { do: 'end' }>['as']): void {
  const { model } = history;
  const ended = model.deployment;
  if (!ended) return;
  const { id: deployment, promotion, release } = ended;
  if (outcome === 'failed')
    append(history, { type: 'deployment.failed', deployment, cause: 'crash', restored: true });
  else if (outcome === 'succeeded') append(history, { type: 'deployment.succeeded', deployment });
  else append(history, { type: `deployment.${outcome}`, deployment, cause: 'machinery' });
  model.deployment = undefined;
  const running = promotion !== undefined && model.states.get(promotion) === 'running';
  if (promotion !== undefined && (outcome === 'succeeded' || outcome === 'failed'))
    close(model, promotion, outcome);
  else if (running) model.states.set(promotion, 'open');
  if (outcome !== 'succeeded') return;
  model.current = release.id;
  const { open } = model;
  if (open === undefined || model.states.get(open) !== 'open') return;
  const subject = model.subjects.get(open);
  if (subject?.kind === 'promote' && subject.release.id === release.id) close(model, open, 'succeeded');
  if (subject?.kind === 'apply' && subject.release.id !== release.id) close(model, open, 'superseded');
}

describe('any history', () => {
  it('folds into what the model says, after every step', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const history: History = {
          events: [],
          model: {
            states: new Map(),
            subjects: new Map(),
            approvers: new Map(),
            open: undefined,
            deployment: undefined,
            current: undefined,
          },
        };
        for (const one of steps) {
          take(history, one);
          const folded = foldPromotions(history.events);
          expect(new Map(folded.map(({ id, state }) => [id, state]))).toEqual(history.model.states);
          expect(openPromotion(folded)?.id).toBe(history.model.open);
          expect(folded.filter(({ state }) => state === 'open' || state === 'running').length).toBeLessThan(
            2,
          );
          for (const { id, approvals } of folded) {
            const people = approvals.map(({ by }) => personOf(by));
            expect(new Set(people)).toEqual(history.model.approvers.get(id));
            expect(people).toHaveLength(new Set(people).size);
          }
        }
      }),
    );
  });
});
