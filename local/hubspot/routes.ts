// Paths of HubSpot's API, dated and v3, and what answers them.
import type { ChangeSource } from './changes.ts';
import type { Reply } from './errors.ts';
import { type ObjectType, objectTypeOf } from './object-types.ts';
import type { Random } from './random.ts';
import type { CrmState } from './records.ts';

/** One API call, understood as far as any route needs. */
export interface ApiCall {
  readonly state: CrmState;
  readonly portal: PortalFacts;
  /** Token -> id of the app it belongs to. */
  readonly apps: ReadonlyMap<string, number>;
  readonly path: string;
  readonly random: Random;
  /** Ids of errors. */
  readonly newId: () => string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The parsed JSON body; undefined when the request had none. */
  readonly body: unknown;
  /** Who writes: the app behind the token. */
  readonly source: ChangeSource;
}

export interface PortalFacts {
  readonly portalId: number;
  readonly appId: number;
  readonly timeZone: string;
  readonly scopes: readonly string[];
  /** Wall milliseconds, least and most, until a new property is seen. */
  readonly propertyLagMs: readonly [number, number];
}

export interface Route {
  readonly method: string;
  /** Segments; `{name}` takes one segment, `{type}` only an object type. */
  readonly path: string;
  /** What the token must be allowed, one or several; `{type}` and `{toType}` are replaced by the object types. */
  readonly scope?: string | readonly string[];
  handle(call: ApiCall): Reply;
}

/** The same route under a dated path and under its older form. */
export function underBoth(dated: string, older: string, routes: readonly Route[]): Route[] {
  return [dated, older].flatMap((prefix) =>
    routes.map((route) => ({ ...route, path: `${prefix}${route.path}` })),
  );
}

export interface MatchedRoute {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

export interface RouteTable {
  match(method: string, path: string): MatchedRoute | 'no-path' | 'no-method';
}

export function createRouteTable(routes: readonly Route[]): RouteTable {
  const prepared = routes.map((route) => ({ route, segments: route.path.split('/') }));
  // Literal segments win over parameters, so `batch` is never taken for an id.
  prepared.sort((one, other) => literals(other.segments) - literals(one.segments));
  return {
    match(method, path) {
      const segments = path.split('/');
      let pathSeen = false;
      for (const candidate of prepared) {
        const params = paramsOf(candidate.segments, segments);
        if (params === undefined) continue;
        if (candidate.route.method === method) return { route: candidate.route, params };
        pathSeen = true;
      }
      return pathSeen ? 'no-method' : 'no-path';
    },
  };
}

function literals(segments: readonly string[]): number {
  return segments.filter((segment) => !segment.startsWith('{')).length;
}

function paramsOf(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const given = segments[index] ?? '';
    if (!expected.startsWith('{')) {
      if (expected !== given) return undefined;
      continue;
    }
    const name = expected.slice(1, -1);
    const value = decoded(given);
    const isType = name === 'type' || name === 'toType';
    if (value === undefined || value === '' || (isType && objectTypeOf(value) === undefined))
      return undefined;
    params[name] = value;
  }
  return params;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** The object type a path names; the route table let nothing else through. */
export function typeParam(call: ApiCall, name: 'type' | 'toType' = 'type'): ObjectType {
  const type = objectTypeOf(call.params[name] ?? '');
  if (type === undefined) throw new Error(`the path has no object type in {${name}}`);
  return type;
}

/** A list in the query, repeated or separated by commas. */
export function listParam(query: URLSearchParams, name: string): string[] {
  return query
    .getAll(name)
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
}
