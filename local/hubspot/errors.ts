/** What a route answers; no body means an empty one. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One thing wrong with one property. */
export interface PropertyProblem {
  readonly code: string;
  readonly message: string;
  readonly property: string;
}

export interface ErrorDetail {
  readonly message: string;
  readonly code?: string;
  readonly subCategory?: string;
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

/** One entry of `errors` in a 207 answer. */
export interface BatchError {
  readonly status: 'error';
  readonly category: string;
  readonly message: string;
  readonly context: Readonly<Record<string, readonly string[]>>;
  readonly errors: readonly ErrorDetail[];
  readonly links: Readonly<Record<string, string>>;
}

export interface ErrorParts {
  readonly category?: string;
  readonly subCategory?: string;
  readonly context?: Readonly<Record<string, readonly string[]>>;
  readonly errors?: readonly ErrorDetail[];
}

/** What is wrong, in HubSpot's form; its id is still to be given. */
export function errorReply(status: number, message: string, parts: ErrorParts = {}): Reply {
  return { status, body: { status: 'error', message, correlationId: undefined, ...parts } };
}

/** An answer with the ids that an error has and whoever worded it left open. */
export function withIds(reply: Reply, newId: () => string): Reply {
  const { body } = reply;
  if (typeof body !== 'object' || body === null) return reply;
  const isOpen = (name: string) => name in body && Reflect.get(body, name) === undefined;
  const open = ['correlationId', 'requestId'].filter(isOpen);
  if (open.length === 0) return reply;
  return { ...reply, body: { ...body, ...Object.fromEntries(open.map((name) => [name, newId()])) } };
}

export function validationError(message: string, parts: Omit<ErrorParts, 'category'> = {}): Reply {
  return errorReply(400, message, { category: 'VALIDATION_ERROR', ...parts });
}

export function invalidJson(detail: string): Reply {
  return validationError(`Invalid input JSON on line 1, column 1: ${detail}`);
}

/** A single lookup that finds nothing answers without a category, as recorded. */
export function notFound(): Reply {
  return errorReply(404, 'resource not found');
}

/** The text that lists bad properties: JSON inside a sentence, as HubSpot writes it. */
export function problemsMessage(problems: readonly PropertyProblem[]): string {
  const listed = problems.map(({ code, message, property }) => ({
    isValid: false,
    message,
    error: code,
    name: property,
    localizedErrorMessage: message,
  }));
  return `Property values were not valid: ${JSON.stringify(listed)}`;
}

export function problemDetails(problems: readonly PropertyProblem[]): ErrorDetail[] {
  return problems.map(({ code, message, property }) => ({
    message,
    code,
    context: { propertyName: [property] },
  }));
}

export function invalidProperties(problems: readonly PropertyProblem[]): Reply {
  return validationError(problemsMessage(problems), { errors: problemDetails(problems) });
}

export function batchError(
  category: string,
  message: string,
  context: BatchError['context'],
  errors: readonly ErrorDetail[] = [],
): BatchError {
  return { status: 'error', category, message, context, errors, links: {} };
}
