// Functions and the ways from them to the services of AWS, on which anything may befall a call.
import type { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb';
import type { MemoryTable, TableCommand } from './dynamodb.ts';
import type { Fault, Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';
import type { MemoryQueues } from './sqs.ts';

/** Least and most milliseconds of one way of a call. */
const DYNAMODB_MS = [1, 12] as const;
const SQS_MS = [3, 40] as const;
const SECRETS_MS = [5, 30] as const;
/** After so many milliseconds a caller takes a call for lost, with all that the SDK tried. */
const LOST_MS = [2_000, 12_000] as const;
/** How much later than that a request may still be done. */
const LATE_MS = [1, 8_000] as const;
const SLOW_MS = [500, 20_000] as const;
/** Between two rows of a reading that is torn. */
const TORN_MS = [1, 3_000] as const;

const OF_READS = 0.8;
const OF_WRITES = 1.2;
const OF_SENDS = 2.5;

const OF_ANY_CALL: readonly Fault[] = [
  'function crashed before a call',
  'function crashed after a call',
  'request lost',
  'answer lost',
  'answer lost, sent again by the SDK',
  'request landed late',
  'slow call',
  'throttled',
];
const OF_READINGS: readonly Fault[] = [
  'function crashed before a call',
  'request lost',
  'slow call',
  'slow call',
  'throttled',
  'torn reading',
  'torn reading',
  'torn reading',
];

/** One process of a function: it lives from its first invocation until it crashes, or is not used again. */
export class Environment {
  readonly name: string;
  isAlive = true;
  isBusy = false;
  #died: (() => void) | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Nothing it waits for ever comes. */
  crash(): void {
    this.isAlive = false;
    this.#died?.();
  }

  /** @param died - told when it crashes in the middle of an invocation */
  watch(died: (() => void) | undefined): void {
    this.#died = died;
  }
}

/** What a call asks for. */
interface Asked<T> {
  readonly what: string;
  readonly wayMs: readonly [number, number];
  readonly faults: readonly Fault[];
  /** How much more likely than usual one of them is: what is written and sent tells more than what is read. */
  readonly likelihood: number;
  /** Does it, whole, at this instant. @param fault - one that changes what is done */
  perform(fault?: Fault): T;
  /** Does it row by row. */
  read?(): Generator<void, T>;
}

export interface Clients {
  readonly dynamoDb: Pick<DynamoDBDocumentClient, 'send'>;
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly secrets: Pick<SecretsManagerClient, 'send'>;
}

/** The services of AWS, and the network before them. */
export class Cloud {
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #table: MemoryTable;
  readonly #queues: MemoryQueues;
  readonly #secrets: Readonly<Record<string, string>>;
  /** Calls so far. */
  operations = 0;

  /** @param secrets - their values by name */
  constructor(
    scheduler: Scheduler,
    faults: Faults,
    { table, queues }: { readonly table: MemoryTable; readonly queues: MemoryQueues },
    secrets: Readonly<Record<string, string>>,
  ) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#table = table;
    this.#queues = queues;
    this.#secrets = secrets;
  }

  /** By what a function reaches them. */
  clientsOf(caller: Environment): Clients {
    // One signature of each client's many, so that it can stand for all of them.
    const dynamoDb = (command: QueryCommand): Promise<unknown> => this.#call(caller, this.#ofTable(command));
    const sqs = (command: SendMessageCommand): Promise<unknown> => this.#call(caller, this.#ofQueue(command));
    const secrets = ({ input }: GetSecretValueCommand): Promise<unknown> =>
      this.#call(caller, {
        what: 'GetSecretValue',
        wayMs: SECRETS_MS,
        faults: ['secret not readable', 'slow call'],
        likelihood: 1,
        perform: () => ({ SecretString: this.#secrets[input.SecretId ?? ''] }),
      });
    return {
      dynamoDb: { send: dynamoDb as DynamoDBDocumentClient['send'] },
      sqs: { send: sqs as SQSClient['send'] },
      secrets: { send: secrets as SecretsManagerClient['send'] },
    };
  }

  #ofTable(command: TableCommand): Asked<object> {
    const what = `${command.constructor.name.slice(0, -'Command'.length)} ${placeOf(command)}`;
    if (
      !(
        command instanceof QueryCommand ||
        command instanceof ScanCommand ||
        command instanceof BatchGetCommand
      )
    )
      return {
        what,
        wayMs: DYNAMODB_MS,
        faults: OF_ANY_CALL,
        likelihood: OF_WRITES,
        perform: () => this.#table.execute(command),
      };
    const isBatch = command instanceof BatchGetCommand;
    const cut: Fault = isBatch ? 'keys left unread' : 'short page';
    return {
      what,
      wayMs: DYNAMODB_MS,
      faults: [...OF_READINGS, cut, cut],
      likelihood: OF_READS,
      perform: (fault) =>
        fault === cut
          ? finished(this.#table.read(command, { most: this.#faults.random.between(1, 3) }))
          : this.#table.execute(command),
      read: () => this.#table.read(command),
    };
  }

  #ofQueue(command: SendMessageCommand | SendMessageBatchCommand): Asked<object> {
    const { input } = command;
    const queue = (input.QueueUrl ?? '').split('/').at(-1);
    const isBatch = 'Entries' in input;
    const count = isBatch ? (input.Entries?.length ?? 0) : 1;
    return {
      what: `SendMessage ${queue} (${count})`,
      wayMs: SQS_MS,
      faults: isBatch
        ? [...OF_ANY_CALL, 'entries of a batch declined', 'entries of a batch declined']
        : OF_ANY_CALL,
      likelihood: OF_SENDS,
      perform: (fault) => {
        if (fault !== 'entries of a batch declined') return this.#queues.execute(command);
        const at = this.#faults.random.between(0, count - 1);
        return this.#queues.execute(command, { fails: (entry) => entry >= at });
      },
    };
  }

  #call<T>(caller: Environment, asked: Asked<T>): Promise<T> {
    this.operations += 1;
    const { random } = this.#faults;
    const fault = this.#faults.choose(asked.faults, asked.likelihood);
    this.#scheduler.note(`${caller.name} ${asked.what}${fault === undefined ? '' : `  <<< ${fault}`}`);
    const between = ([least, most]: readonly [number, number]) => random.between(least, most);
    const [thereMs, backMs] = [between(asked.wayMs), between(asked.wayMs)];
    return new Promise((resolve, reject) => {
      const answer = (ms: number, act: () => void) =>
        this.#scheduler.after(ms, () => {
          if (caller.isAlive) act();
        });
      const arrive = (ms: number, then: (told: () => void) => void, how?: Fault) =>
        this.#scheduler.after(ms, () => {
          // What a function sent in the instant in which it died may have left it, or not.
          if (!caller.isAlive && random.next() < 0.5) return;
          then(told(() => asked.perform(how), resolve, reject));
        });
      const giveUp = (ms: number) => answer(ms, () => reject(named('TimeoutError', 'no answer in time')));
      const whole = (how?: Fault) => arrive(thereMs, (tell) => void answer(backMs, tell), how);
      switch (fault) {
        case 'function crashed before a call':
          return caller.crash();
        case 'function crashed after a call':
          arrive(thereMs, () => caller.crash());
          return;
        case 'request lost':
          giveUp(between(LOST_MS));
          return;
        case 'answer lost':
          arrive(thereMs, unheard);
          giveUp(between(LOST_MS));
          return;
        case 'answer lost, sent again by the SDK':
          arrive(thereMs, unheard);
          arrive(thereMs + between([100, 2_000]), (tell) => void answer(backMs, tell));
          return;
        case 'request landed late': {
          const lostMs = between(LOST_MS);
          giveUp(lostMs);
          arrive(lostMs + between(LATE_MS), unheard);
          return;
        }
        case 'slow call':
          arrive(thereMs + between(SLOW_MS), (tell) => void answer(backMs, tell));
          return;
        case 'throttled':
        case 'secret not readable':
          answer(thereMs + backMs, () => reject(named('ThrottlingException', 'Rate exceeded')));
          return;
        case 'torn reading':
          return this.#tear(asked, thereMs, (tell) => void answer(backMs, tell), [resolve, reject]);
        default:
          whole(fault);
      }
    });
  }

  /** Reads row by row, with pauses after some of the rows. */
  #tear<T>(
    asked: Asked<T>,
    thereMs: number,
    then: (tell: () => void) => void,
    [resolve, reject]: readonly [(value: T) => void, (error: unknown) => void],
  ): void {
    const { random } = this.#faults;
    const rows = asked.read?.();
    const goOn = (): void => {
      try {
        for (;;) {
          const next = rows?.next();
          if (next === undefined) return then(() => resolve(asked.perform()));
          if (next.done === true) return then(() => resolve(next.value));
          if (random.next() < 0.4) break;
        }
      } catch (error) {
        return then(() => reject(error));
      }
      this.#scheduler.after(random.between(...TORN_MS), goOn);
    };
    this.#scheduler.after(thereMs, goOn);
  }
}

function told<T>(
  perform: () => T,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): () => void {
  try {
    const value = perform();
    return () => resolve(value);
  } catch (error) {
    return () => reject(error);
  }
}

function finished<T>(reading: Generator<void, T>): T {
  for (;;) {
    const next = reading.next();
    if (next.done === true) return next.value;
  }
}

/** Nobody is told. */
function unheard(): void {}

/** An error as the SDK names it. */
function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** What of a command is told in the trace: whose rows it is about. */
function placeOf({ input }: TableCommand): string {
  if ('Key' in input) return Object.values(input.Key ?? {}).join(' ');
  if ('Item' in input) return `${String(input.Item?.['pk'])} ${String(input.Item?.['sk'])}`;
  if ('KeyConditionExpression' in input)
    return `${input.IndexName ?? ''} ${Object.values(input.ExpressionAttributeValues ?? {}).join(' ')}`;
  if ('RequestItems' in input)
    return Object.values(input.RequestItems ?? {})
      .flatMap(({ Keys = [] }) => Keys.map(({ pk, sk }) => `${String(pk)} ${String(sk)}`))
      .join(', ');
  return '';
}
