/** Reads the actions of listeners and rules from moto's XML. Pure. */
import type { ListenerAction } from '../contract.ts';
import { listAt, textAt, type XmlElement } from '../gateway/xml.ts';

/** The last action routes; those before it authenticate, which needs an identity provider. */
export function readRoutingAction(actions: readonly XmlElement[]): ListenerAction {
  const ordered = [...actions].sort(
    (a, b) => numberOr(textAt(a, 'Order'), 0) - numberOr(textAt(b, 'Order'), 0),
  );
  return readAction(ordered.at(-1));
}

export function readAction(action: XmlElement | undefined): ListenerAction {
  switch (textAt(action, 'Type')) {
    case 'redirect': {
      const at = (name: string) => textAt(action, 'RedirectConfig', name);
      return {
        type: 'redirect',
        statusCode: at('StatusCode') === 'HTTP_301' ? 301 : 302,
        protocol: at('Protocol') ?? '#{protocol}',
        port: at('Port') ?? '#{port}',
        host: at('Host') ?? '#{host}',
        path: at('Path') ?? '/#{path}',
        query: at('Query') ?? '#{query}',
      };
    }
    case 'fixed-response': {
      const at = (name: string) => textAt(action, 'FixedResponseConfig', name);
      return {
        type: 'fixed-response',
        statusCode: numberOr(at('StatusCode'), 503),
        contentType: at('ContentType') ?? 'text/plain',
        body: at('MessageBody') ?? '',
      };
    }
    default:
      return { type: 'forward', targets: readForwardTargets(action) };
  }
}

function readForwardTargets(action: XmlElement | undefined): { targetGroupArn: string; weight: number }[] {
  const weighted = listAt(action, 'ForwardConfig', 'TargetGroups').map((member) => ({
    targetGroupArn: required(member, 'TargetGroupArn'),
    weight: numberOr(textAt(member, 'Weight'), 1),
  }));
  const single = textAt(action, 'TargetGroupArn');
  return weighted.length === 0 && single !== undefined ? [{ targetGroupArn: single, weight: 1 }] : weighted;
}

export function required(element: XmlElement, name: string): string {
  const text = textAt(element, name);
  if (text === undefined) throw new Error(`the control plane's answer has no ${name} in ${element.name}`);
  return text;
}

export function numberOr(text: string | undefined, fallback: number): number {
  const value = Number(text);
  return text === undefined || text === '' || !Number.isFinite(value) ? fallback : value;
}
