// What users of a portal build on its properties: lists, workflows and forms. The API shows them; HubSpot lets nobody archive a
// property that one of them names.
import type { CrmState } from './records.ts';

/** A list, now called a segment; its filters nest as deep as somebody built them. */
export interface ListAsset {
  readonly listId: string;
  readonly name: string;
  /** `0-1` contacts, `0-2` companies. */
  readonly objectTypeId: string;
  readonly processingType: 'MANUAL' | 'DYNAMIC' | 'SNAPSHOT';
  readonly filterBranch?: unknown;
}

/** A workflow. */
export interface FlowAsset {
  readonly id: string;
  readonly name: string;
  readonly isEnabled: boolean;
  readonly objectTypeId: string;
  readonly enrollmentCriteria: unknown;
  readonly actions: readonly unknown[];
}

/** `captured`: of another website; `flow`: a pop-up. */
export type FormType = 'hubspot' | 'captured' | 'flow' | 'blog_comment';

export interface FormAsset {
  readonly id: string;
  readonly name: string;
  /** @default 'hubspot' */
  readonly formType?: FormType;
  readonly fieldGroups: readonly unknown[];
}

export interface Assets {
  readonly lists: ListAsset[];
  readonly flows: FlowAsset[];
  readonly forms: FormAsset[];
}

/** Something that uses a property, as HubSpot names it when it refuses to archive the property. */
export interface PropertyParent {
  readonly parentType: string;
  readonly parentDisplayType: string;
  readonly parentName: string;
}

export function noAssets(): Assets {
  return { lists: [], flows: [], forms: [] };
}

/**
 * What uses a property. Whether it is switched on makes no difference, and any mention counts, whatever record it is of: HubSpot's own
 * rule is not known more closely.
 */
export function parentsOf({ assets, catalog }: CrmState, property: string): PropertyParent[] {
  const calculated = Object.values(catalog).flatMap(({ byName }) =>
    [...byName.values()].filter(
      ({ calculationFormula = '', archivedAtMs }) =>
        archivedAtMs === undefined && names(calculationFormula, property),
    ),
  );
  return [
    ...assets.flows
      .filter((flow) => names(flow, property))
      .map(({ id }) => parent('AUTOMATION_PLATFORM_FLOW', 'WORKFLOW', id)),
    ...assets.lists
      .filter((list) => names(list.filterBranch, property))
      .map(({ listId }) => parent('INBOUNDDB_LISTS', 'LIST', listId)),
    ...assets.forms.filter((form) => names(form, property)).map(({ id }) => parent('FORM', 'FORM', id)),
    ...calculated.map(({ name }) => parent('CALCULATED_PROPERTY', 'PROPERTY', name)),
  ];
}

function parent(parentType: string, parentDisplayType: string, parentName: string): PropertyParent {
  return { parentType, parentDisplayType, parentName };
}

/** Whether the name stands anywhere in it, whole. */
function names(part: unknown, property: string): boolean {
  if (typeof part === 'string') return part.split(/[^a-z0-9_]+/).includes(property);
  if (typeof part !== 'object' || part === null) return false;
  return Object.values(part).some((inner) => names(inner, property));
}
