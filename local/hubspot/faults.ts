// Trouble on purpose: what a test or a rehearsal may let happen to an API call.
import * as v from 'valibot';
import { type BatchError, batchError, type ErrorDetail, errorReply, type Reply } from './errors.ts';
import { tooManyRequests } from './limiter.ts';

/** The call a fault is decided for; `number` counts the calls that passed token and limits, from 1. */
export interface FaultableCall {
  readonly number: number;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** When the work of a call without an answer is done: before the connection closes, never, or so many milliseconds later. */
export type Landing = 'before' | 'never' | number;

export type Fault =
  /** Answers this instead; with `executes`, the work is done all the same and only its answer is lost. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly executes?: boolean;
    }
  /** Closes the connection at once without an answer. */
  | { readonly kind: 'no-answer'; readonly lands: Landing }
  /** Says nothing for so many milliseconds, then closes the connection; `lands` counts from the call. */
  | { readonly kind: 'silent'; readonly afterMs: number; readonly lands: Landing }
  /** Answers, but so many milliseconds late; the work is done before that, or only then. */
  | { readonly kind: 'delay'; readonly delayMs: number; readonly isDoneLate?: true }
  /** Some inputs of a batch, by position, are not mentioned in its answer; nor are they done, unless `executes`. */
  | { readonly kind: 'leave-out'; readonly inputs: readonly number[]; readonly executes?: boolean }
  /** Some inputs of a batch, by position, are not done, and the answer is a 207 with an error for each of them. */
  | {
      readonly kind: 'item-errors';
      readonly inputs: readonly number[];
      readonly category: string;
      readonly message: string;
      readonly errors?: readonly ErrorDetail[];
    }
  /** A batch is answered with 200, COMPLETE and no results; nothing is done, unless `executes`. */
  | { readonly kind: 'empty'; readonly executes?: boolean };

/** Faults that answer: all but those that are a matter of time. */
export type AnsweringFault = Exclude<Fault, { kind: 'no-answer' | 'silent' | 'delay' }>;

const Inputs = v.looseObject({
  inputs: v.array(v.looseObject({ id: v.string(), objectWriteTraceId: v.optional(v.string()) })),
});
const Envelope = v.looseObject({
  results: v.array(v.looseObject({ id: v.string(), objectWriteTraceId: v.optional(v.string()) })),
  errors: v.optional(v.array(v.unknown())),
});
type Input = v.InferOutput<typeof Inputs>['inputs'][number];

/** The call that a fault falls on. */
export interface FaultyCall {
  /** Its parsed body. */
  readonly body: unknown;
  /** The portal's clock, epoch milliseconds. */
  readonly nowMs: number;
  /** Does the work of a body, and answers as usual. */
  readonly execute: (body: unknown) => Reply;
  readonly newId: () => string;
}

/**
 * What a call with a fault answers, its work done as far as the fault lets it be.
 *
 * @throws Error when a fault of batches is given to a call that is none: the caller chose wrongly
 */
export function faultyReply(fault: AnsweringFault, call: FaultyCall): Reply {
  const { body, execute } = call;
  if (fault.kind === 'leave-out') return leaveOut(fault, body, execute);
  if (fault.kind === 'item-errors') return failSome(fault, body, execute);
  if (fault.executes === true) execute(body);
  return fault.kind === 'empty' ? execute({}) : faultReply(fault, call); // So HubSpot answers a body without inputs.
}

function leaveOut(
  { inputs: positions, executes = false }: Extract<Fault, { kind: 'leave-out' }>,
  body: unknown,
  execute: (body: unknown) => Reply,
): Reply {
  const { some, others } = split(body, positions);
  const reply = execute(executes ? body : others);
  const envelope = v.safeParse(Envelope, reply.body);
  if (!envelope.success) return reply; // A refusal of the whole batch mentions nobody.
  const results = envelope.output.results.filter((result) => !some.some((input) => isOf(result, input)));
  return { ...reply, body: { ...envelope.output, results } };
}

function failSome(
  { inputs: positions, category, message, errors }: Extract<Fault, { kind: 'item-errors' }>,
  body: unknown,
  execute: (body: unknown) => Reply,
): Reply {
  const { some, others } = split(body, positions);
  const reply = execute(others);
  const envelope = v.safeParse(Envelope, reply.body);
  if (!envelope.success) return reply;
  const failed = some.map(
    ({ id, objectWriteTraceId }): BatchError =>
      batchError(
        category,
        message,
        objectWriteTraceId === undefined ? { ids: [id] } : { objectWriteTraceId: [objectWriteTraceId] },
        errors,
      ),
  );
  const together = [...(envelope.output.errors ?? []), ...failed];
  return {
    status: 207,
    body: { ...envelope.output, numErrors: together.length, errors: together },
  };
}

/** The inputs at these positions, and the body without them. */
function split(body: unknown, positions: readonly number[]): { some: Input[]; others: unknown } {
  const batch = v.safeParse(Inputs, body);
  if (!batch.success) throw new Error('a fault of batches was given to a call that has no inputs');
  const { inputs, ...rest } = batch.output;
  return {
    some: inputs.filter((_input, position) => positions.includes(position)),
    others: { ...rest, inputs: inputs.filter((_input, position) => !positions.includes(position)) },
  };
}

function isOf(result: Pick<Input, 'id' | 'objectWriteTraceId'>, input: Input): boolean {
  return input.objectWriteTraceId === undefined
    ? result.id === input.id
    : result.objectWriteTraceId === input.objectWriteTraceId;
}

/** The answer of a fault that gives only a status, as HubSpot words it. */
function faultReply(
  { status, body, headers = {} }: Extract<Fault, { kind: 'answer' }>,
  call: FaultyCall,
): Reply {
  if (body !== undefined) return { status, body, headers };
  return {
    ...wordedReply(status, call),
    headers: { ...(status === 477 ? { 'retry-after': '60' } : {}), ...headers },
  };
}

function wordedReply(status: number, { nowMs, newId }: FaultyCall): Reply {
  switch (status) {
    case 401:
      return errorReply(401, 'The OAuth token used to make this call expired 3 second(s) ago.', {
        category: 'EXPIRED_AUTHENTICATION',
        context: { expireTime: [new Date(nowMs - 3000).toISOString()] },
      });
    case 403:
      return errorReply(403, "This app hasn't been granted all required scopes to make this call.", {
        category: 'MISSING_SCOPES',
        context: { requiredGranularScopes: ['crm.objects.contacts.write'] },
      });
    case 409:
      return errorReply(409, 'The record was changed by another operation.', { category: 'CONFLICT' });
    case 414:
      return errorReply(414, 'URI too long');
    case 423:
      return errorReply(423, 'The resource is locked by another operation.', { category: 'LOCKED' });
    case 429:
      return tooManyRequests('TEN_SECONDLY_ROLLING');
    case 477:
      return errorReply(477, 'This account is being migrated between data centers.', {
        category: 'MIGRATION_IN_PROGRESS',
      });
    default:
      // Gateways answer in HTML: nobody may take an error body for JSON.
      return { status, body: `<html><body><h1>${status}</h1><p>${newId()}</p></body></html>` };
  }
}
