// The pipelines of deals. There is one, as in a new portal; its stages are the choices of the property `dealstage`.
import { notFound, type Reply } from './errors.ts';
import { visibleProperty } from './properties.ts';
import { type ApiCall, type Route, underBoth } from './routes.ts';

/** When the portal was made, and the pipeline with it. */
const CREATED_AT = '2024-01-15T00:00:00Z';

/** Of winning a deal, as in the default pipeline of a new portal; deals are closed at either end. */
const PROBABILITIES: Readonly<Record<string, string>> = {
  appointmentscheduled: '0.2',
  qualifiedtobuy: '0.4',
  presentationscheduled: '0.6',
  decisionmakerboughtin: '0.8',
  contractsent: '0.9',
  closedwon: '1.0',
  closedlost: '0.0',
};

const READ = 'crm.objects.deals.read';

/** Contacts and companies have pipelines too, of their lifecycle stages; nobody here asks for them. */
export const pipelineRoutes: readonly Route[] = ['deals', 'deal', '0-3'].flatMap((type) =>
  underBoth(`/crm/pipelines/2026-03/${type}`, `/crm/v3/pipelines/${type}`, [
    {
      method: 'GET',
      path: '',
      scope: READ,
      handle: (call) => ({ status: 200, body: { results: pipelines(call) } }),
    },
    { method: 'GET', path: '/{id}', scope: READ, handle: readOne },
  ]),
);

function readOne(call: ApiCall): Reply {
  const found = pipelines(call).find(({ id }) => id === call.params.id);
  return found === undefined ? notFound() : { status: 200, body: found };
}

function pipelines({ state }: ApiCall): { id: string }[] {
  const choices = (property: string) => visibleProperty(state.catalog, 'deals', property)?.options ?? [];
  const parts = { createdAt: CREATED_AT, updatedAt: CREATED_AT, archived: false };
  const stages = choices('dealstage').map(({ value, label, displayOrder }) => {
    const probability = PROBABILITIES[value] ?? '0.5';
    const isClosed = String(['0.0', '1.0'].includes(probability));
    const writePermissions = 'CRM_PERMISSIONS_ENFORCEMENT';
    return {
      id: value,
      label,
      displayOrder,
      metadata: { isClosed, probability },
      writePermissions,
      ...parts,
    };
  });
  return choices('pipeline').map(({ value, label, displayOrder }) => {
    return { id: value, label, displayOrder, stages, ...parts };
  });
}
