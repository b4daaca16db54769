// A portal's table, and queues as arrays, for the commands that move data.

import { Writable } from 'node:stream';
import type { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Progress } from '../../cli/progress.ts';
import type { Target } from '../../cli/target.ts';
import type { Table } from '../store/table.ts';

export const IDENTITY_KEY = 'the key of the tests';
export const NOW_MS = Date.UTC(2026, 10, 22, 12);

type Commanded = Pick<Target, 'portalId' | 'store' | 'sqs' | 'queues' | 'clock'>;

export interface DataTarget extends Commanded {
  /** What a queue got since the last look. */
  take(queue: 'Ticks' | 'Background' | 'Nightly'): unknown[];
}

export function dataTarget(table: Table, portalId = '33', clock = () => NOW_MS): DataTarget {
  const sent = new Map<string, unknown[]>();
  const send = async ({ input }: SendMessageBatchCommand) => {
    const bodies = (input.Entries ?? []).map(({ MessageBody = '' }) => JSON.parse(MessageBody));
    sent.set(input.QueueUrl ?? '', [...(sent.get(input.QueueUrl ?? '') ?? []), ...bodies]);
    return {};
  };
  const titles = ['Ticks', 'Background', 'Nightly'];
  return {
    portalId,
    clock,
    queues: Object.fromEntries(titles.map((title) => [title, { url: title, deadLettersUrl: '' }])),
    sqs: { send: send as SQSClient['send'] },
    store: {
      portalId,
      client: table.client,
      tableName: table.tableName,
      contacts: table.contacts({ portalId, clock }),
      deals: table.deals({ portalId, clock }),
      factRetentionDays: () => 400,
      readIdentityKey: async () => IDENTITY_KEY,
    },
    take(queue) {
      const messages = sent.get(queue) ?? [];
      sent.delete(queue);
      return messages;
    },
  };
}

export const QUIET: Progress = { at: () => undefined, say: () => undefined, end: () => undefined };

/** A stream that keeps what it gets. */
export function collecting(): { readonly stream: Writable; text(): string } {
  const pieces: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      pieces.push(chunk.toString());
      done();
    },
  });
  return { stream, text: () => pieces.join('') };
}
