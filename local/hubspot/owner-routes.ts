// Who may own records. A portal's owners come from its users, so the API only reads them.
import { notFound, type Reply, validationError } from './errors.ts';
import { type ApiCall, type Route, underBoth } from './routes.ts';

/** Owners on one page: what HubSpot gives unasked, and the most it gives ("Owners", read November 2026). */
const DEFAULT_PAGE = 100;
const MAX_PAGE = 500;

interface Owner {
  readonly id: string;
  readonly userId: number;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly archived: boolean;
}

/** In the order of their ids. The last one has left, which HubSpot tells only who asks for archived owners. */
const OWNERS: readonly Owner[] = [
  owner('41629779', 9_586_504, 'Ada', 'Lindqvist'),
  owner('41629801', 9_586_517, 'Bram', 'Okafor'),
  owner('60158084', 9_274_996, 'Chen', 'Moreau'),
  owner('60158111', 9_275_020, 'Dilan', 'Weiss', true),
];

function owner(id: string, userId: number, firstName: string, lastName: string, archived = false): Owner {
  return { id, userId, email: `${firstName.toLowerCase()}@example.com`, firstName, lastName, archived };
}

export const ownerRoutes: readonly Route[] = underBoth('/crm/owners/2026-03', '/crm/v3/owners', [
  { method: 'GET', path: '', scope: 'crm.objects.owners.read', handle: list },
  { method: 'GET', path: '/{id}', scope: 'crm.objects.owners.read', handle: readOne },
]);

function list({ query }: ApiCall): Reply {
  const limitText = query.get('limit') ?? String(DEFAULT_PAGE);
  const limit = Number(limitText);
  if (!/^\d+$/.test(limitText) || limit < 1 || limit > MAX_PAGE)
    return validationError(`limit must be between 1 and ${MAX_PAGE}, got ${limitText}`);
  const after = query.get('after') ?? '0';
  if (!/^\d+$/.test(after)) return validationError(`after must be a number, got ${after}`);
  const email = query.get('email');
  const isArchived = query.get('archived') === 'true';
  const left = OWNERS.filter(
    (each) =>
      each.archived === isArchived &&
      Number(each.id) > Number(after) &&
      (email === null || each.email === email),
  );
  const page = left.slice(0, limit);
  const last = page.at(-1);
  const next = new URLSearchParams(query);
  next.set('after', last?.id ?? '');
  const link = `https://api.hubapi.com/crm/owners/2026-03?${next.toString()}`;
  const paging = left.length > limit && last !== undefined ? { next: { after: last.id, link } } : undefined;
  return { status: 200, body: { results: page.map(view), ...(paging && { paging }) } };
}

function readOne({ params, query }: ApiCall): Reply {
  const isArchived = query.get('archived') === 'true';
  const byUser = query.get('idProperty') === 'userId';
  const found = OWNERS.find(
    ({ id, userId, archived }) =>
      archived === isArchived && (byUser ? String(userId) : id) === (params.id ?? ''),
  );
  return found === undefined ? notFound() : { status: 200, body: view(found) };
}

/** Who has left is no user any more. */
function view({ userId, ...parts }: Owner): Record<string, unknown> {
  return {
    ...parts,
    type: 'PERSON',
    ...(!parts.archived && { userId }),
    userIdIncludingInactive: userId,
    createdAt: '2024-01-15T09:00:00Z',
    updatedAt: '2024-01-15T09:00:00Z',
  };
}
