/**
 * What an environment's tasks wrote to CloudWatch Logs. The query narrows what CloudWatch has to send as far as it can
 * say so; what it sends is filtered once more, because its patterns know words, and other AWS-like endpoints less.
 */
import type { FilteredLogEvent, FilterLogEventsCommandInput } from '@aws-sdk/client-cloudwatch-logs';
import { type LogEvent, type LogQuery, type LogStreamView, matchesQuery } from '../../domain/log-event.ts';
import { environmentNames } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import type { LogsPort } from '../../ports.ts';
import { callAwsOrAbsent } from './errors.ts';
import type { Session } from './session.ts';
import { type LogPlace, logPlaceOf } from './task-log.ts';

/** Streams that one FilterLogEvents may name (CloudWatch Logs API reference). */
const MAX_NAMED_STREAMS = 100;
/** Streams in one DescribeLogStreams answer (API reference), and answers read. */
const STREAMS_PER_PAGE = 50;
const MAX_STREAM_PAGES = 20;
/** Shorter words would hardly narrow anything. */
const MIN_WORD_CHARS = 2;
const NO_LOG = ['ResourceNotFoundException'];

export interface LogsOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
}

export function createLogs({ session, project, environment }: LogsOptions): LogsPort {
  const { taskFamily } = environmentNames(project.name, environment.name);
  let found: Promise<LogPlace> | undefined;
  /** Asked for once: it is the same for all that one command reads. */
  function place(): Promise<LogPlace> {
    found ??= logPlaceOf(session, project, environment, taskFamily);
    found.catch(() => {
      found = undefined;
    });
    return found;
  }

  return {
    async read(query, cursor, signal) {
      const where = await place();
      signal?.throwIfAborted();
      const answer = await callAwsOrAbsent(session, 'logs:FilterLogEvents', NO_LOG, async () => {
        const { FilterLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
        const input = {
          ...renderQuery(query, where),
          ...(cursor === undefined ? {} : { nextToken: cursor }),
        };
        const options = signal === undefined ? {} : { abortSignal: signal };
        return (await session.logs()).send(new FilterLogEventsCommand(input), options);
      });
      if (answer === undefined) return undefined;
      const events = (answer.events ?? []).map(renderEvent).filter((event) => matchesQuery(event, query));
      return { events, cursor: answer.nextToken };
    },
    async streams() {
      const { logGroupName, prefix } = await place();
      const streams: LogStreamView[] = [];
      let nextToken: string | undefined;
      for (let page = 0; page < MAX_STREAM_PAGES; page += 1) {
        const answer = await callAwsOrAbsent(session, 'logs:DescribeLogStreams', NO_LOG, async () => {
          const { DescribeLogStreamsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
          const query = { logGroupName, orderBy: 'LastEventTime' as const, descending: true };
          return (await session.logs()).send(
            new DescribeLogStreamsCommand({
              ...query,
              limit: STREAMS_PER_PAGE,
              ...(nextToken === undefined ? {} : { nextToken }),
            }),
          );
        });
        for (const { logStreamName = '', creationTime = 0 } of answer?.logStreams ?? [])
          if (logStreamName.startsWith(`${prefix}/`))
            streams.push({ task: taskOf(logStreamName), createdAt: creationTime });
        nextToken = answer?.nextToken;
        if (nextToken === undefined) break;
      }
      return streams;
    },
  };
}

/** Pure. */
export function renderQuery(
  query: LogQuery,
  { logGroupName, prefix, container }: LogPlace,
): FilterLogEventsCommandInput {
  const stream = `${prefix}/${container}/`;
  const word = query.filter === undefined ? undefined : longestWord(query.filter);
  const narrowed = (query.tasks ?? []).filter((task) => task.startsWith(query.task ?? ''));
  const named = narrowed.length > 0 && narrowed.length <= MAX_NAMED_STREAMS;
  return {
    logGroupName,
    startTime: Math.max(0, query.from),
    ...(query.to === undefined ? {} : { endTime: query.to }),
    ...(word === undefined ? {} : { filterPattern: `%${word}%` }),
    ...(named ? { logStreamNames: narrowed.map((task) => `${stream}${task}`) } : {}),
    ...(!named && query.task !== undefined ? { logStreamNamePrefix: `${stream}${query.task}` } : {}),
  };
}

/** What a regular expression of a filter pattern may hold as it stands ("Filter pattern syntax" of CloudWatch Logs). */
function longestWord(text: string): string | undefined {
  const words = text.match(/[A-Za-z0-9_#=@/;,-]+/g) ?? [];
  const [longest = ''] = [...words].sort((a, b) => b.length - a.length);
  return longest.length < MIN_WORD_CHARS ? undefined : longest;
}

function renderEvent(event: FilteredLogEvent): LogEvent {
  const { eventId, timestamp = 0, logStreamName = '', message = '' } = event;
  return {
    id: eventId ?? `${logStreamName} ${timestamp} ${message}`,
    at: timestamp,
    task: taskOf(logStreamName),
    message: message.trimEnd(),
  };
}

function taskOf(stream: string): string {
  return stream.slice(stream.lastIndexOf('/') + 1);
}
