/** An event as EventBridge carries it, and whoever takes one. */

export interface AwsEvent {
  /** `aws.ecs` */
  readonly source: string;
  readonly detailType: string;
  /** ARNs. */
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface EventSink {
  /** Takes it and comes back at once; what rules and targets make of it is nobody's failure here. */
  put(event: AwsEvent): void;
}

/** The JSON that patterns and targets see. */
export type EventDocument = Readonly<Record<string, unknown>>;

export function renderEvent(
  event: AwsEvent,
  where: { readonly region: string; readonly accountId: string },
  id: string,
): EventDocument {
  return {
    version: '0',
    id,
    'detail-type': event.detailType,
    source: event.source,
    account: where.accountId,
    // Whole seconds, as there.
    time: `${new Date(event.at).toISOString().slice(0, 19)}Z`,
    region: where.region,
    resources: event.resources,
    detail: event.detail,
  };
}
