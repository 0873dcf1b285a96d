/**
 * Calls from inside the embedded AWS to moto. They bypass the overlays: what comes back is moto's own state.
 */
import { AwsError, type ControlPlane } from '../contract.ts';
import type { MotoClient } from './moto-client.ts';
import { readXml, type XmlElement } from './xml.ts';

const targetPrefixes: Readonly<Record<string, string>> = {
  ecs: 'AmazonEC2ContainerServiceV20141113',
  ecr: 'AmazonEC2ContainerRegistry_V20150921',
  ssm: 'AmazonSSM',
  logs: 'Logs_20140328',
  'application-autoscaling': 'AnyScaleFrontendService',
  secretsmanager: 'secretsmanager',
  kms: 'TrentService',
  events: 'AWSEvents',
  dynamodb: 'DynamoDB_20120810',
};

const queryVersions: Readonly<Record<string, string>> = {
  elasticloadbalancing: '2015-12-01',
  ec2: '2016-11-15',
  monitoring: '2010-08-01',
  iam: '2010-05-08',
  sts: '2011-06-15',
  sns: '2010-03-31',
};

/** Names people use for a service whose signing name differs. */
const signingNames: Readonly<Record<string, string>> = {
  cloudwatch: 'monitoring',
  elbv2: 'elasticloadbalancing',
  'cloudwatch-logs': 'logs',
};

/** @param accessKeyId moto tells accounts apart by access key; an unknown one means its default account */
export function createControlPlane(
  moto: MotoClient,
  where: { readonly region: string; readonly accountId: string },
  accessKeyId = 'EMBEDDED',
): ControlPlane {
  async function call(
    service: string,
    action: string,
    contentType: string,
    body: string,
    extra: readonly string[],
  ) {
    const scope = `${accessKeyId}/20260101/${where.region}/${service}/aws4_request`;
    const response = await moto.send({
      method: 'POST',
      url: '/',
      rawHeaders: [
        ...['Authorization', `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`],
        ...['Content-Type', contentType, ...extra],
      ],
      body: Buffer.from(body),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw readAwsError(service, action, response.statusCode, text);
    return text;
  }
  return {
    ...where,
    async json<T>(service: string, action: string, payload: object): Promise<T> {
      const name = signingNames[service] ?? service;
      const prefix = targetPrefixes[name];
      if (prefix === undefined) throw new Error(`no JSON target known for service ${service}`);
      const target = ['X-Amz-Target', `${prefix}.${action}`];
      const text = await call(name, action, 'application/x-amz-json-1.1', JSON.stringify(payload), target);
      return (text === '' ? {} : JSON.parse(text)) as T;
    },
    async query(service, action, params) {
      const name = signingNames[service] ?? service;
      const version = queryVersions[name];
      if (version === undefined) throw new Error(`no query API version known for service ${service}`);
      const form = new URLSearchParams({ Action: action, Version: version, ...params }).toString();
      return call(name, action, 'application/x-www-form-urlencoded; charset=utf-8', form, []);
    },
  };
}

/** Turns moto's error answer (JSON or XML) into an AwsError; anything else names action and status. */
export function readAwsError(service: string, action: string, status: number, text: string): AwsError {
  const fallback = `The control plane answered ${service} ${action} with HTTP ${status}: ${text.slice(0, 200)}`;
  if (text.startsWith('{')) {
    const error = JSON.parse(text) as { __type?: string; message?: string; Message?: string };
    const code = error.__type?.split('#').at(-1) ?? 'InternalFailure';
    return new AwsError(code, error.message ?? error.Message ?? fallback, status);
  }
  if (!/<Code>/.test(text)) return new AwsError('InternalFailure', fallback, status);
  const error = findByName(readXml(text), 'Error');
  const code = error?.children.find((child) => child.name === 'Code')?.text;
  const message = error?.children.find((child) => child.name === 'Message')?.text;
  return new AwsError(code ?? 'InternalFailure', message ?? fallback, status);
}

function findByName(element: XmlElement, name: string): XmlElement | undefined {
  if (element.name === name) return element;
  for (const child of element.children) {
    const found = findByName(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
