// What a portal knows of its properties: HubSpot's own and those created since, with their groups.
import { OBJECTS, type ObjectType } from './object-types.ts';
import { standardLines } from './standard-properties.ts';

interface PropertyOption {
  readonly label: string;
  readonly value: string;
  readonly displayOrder: number;
  readonly hidden: boolean;
  readonly description?: string;
}

export interface PropertyDefinition {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly fieldType: string;
  readonly groupName: string;
  readonly description: string;
  readonly displayOrder: number;
  readonly options: readonly PropertyOption[];
  /** Options live elsewhere (owners, past merges): any value is taken. */
  readonly externalOptions: boolean;
  readonly hidden: boolean;
  readonly formField: boolean;
  readonly hasUniqueValue: boolean;
  readonly hubspotDefined: boolean;
  readonly calculated: boolean;
  /** Of `calculation_equation`; names the properties it is worked out from. */
  readonly calculationFormula?: string;
  /** The API refuses to write it. */
  readonly readOnlyValue: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly archivedAtMs?: number;
  /** Wall time from which it can be read and written: creation takes a moment to be seen everywhere. */
  readonly visibleFromWallMs: number;
}

export interface PropertyGroup {
  readonly name: string;
  readonly label: string;
  readonly displayOrder: number;
  readonly archived: boolean;
}

export interface ObjectProperties {
  /** Wall time, epoch milliseconds: by it new properties come to be seen. */
  readonly wallClock: () => number;
  readonly byName: Map<string, PropertyDefinition>;
  readonly groups: Map<string, PropertyGroup>;
}

export type PropertyCatalog = Readonly<Record<ObjectType, ObjectProperties>>;

const PORTAL_BORN_MS = Date.UTC(2024, 0, 15);

interface Standard {
  readonly byName: ReadonlyMap<string, PropertyDefinition>;
  readonly groups: ReadonlyMap<string, PropertyGroup>;
}

/** HubSpot's own properties, read once: definitions are replaced, never changed, so all portals share them. */
let standard: Readonly<Record<ObjectType, Standard>> | undefined;

export function createPropertyCatalog(wallClock: () => number = () => Date.now()): PropertyCatalog {
  standard ??= {
    contacts: standardProperties('contacts'),
    companies: standardProperties('companies'),
    deals: standardProperties('deals'),
  };
  const copyOf = ({ byName, groups }: Standard): ObjectProperties => ({
    byName: new Map(byName),
    groups: new Map(groups),
    wallClock,
  });
  const { contacts, companies, deals } = standard;
  return { contacts: copyOf(contacts), companies: copyOf(companies), deals: copyOf(deals) };
}

/** The definition of a property that can be read and written now; none when unknown, archived or still spreading. */
export function visibleProperty(
  catalog: PropertyCatalog,
  type: ObjectType,
  name: string,
): PropertyDefinition | undefined {
  const { byName, wallClock } = catalog[type];
  const found = byName.get(name);
  if (found === undefined || found.archivedAtMs !== undefined) return undefined;
  return found.visibleFromWallMs > 0 && found.visibleFromWallMs > wallClock() ? undefined : found;
}

/** A full definition from the parts that differ from the usual. */
export function propertyDefinition(
  parts: Pick<PropertyDefinition, 'name' | 'type' | 'fieldType' | 'groupName'> & Partial<PropertyDefinition>,
): PropertyDefinition {
  return {
    label: parts.name,
    description: '',
    displayOrder: -1,
    options: [],
    externalOptions: false,
    hidden: false,
    formField: false,
    hasUniqueValue: false,
    hubspotDefined: false,
    calculated: false,
    readOnlyValue: false,
    createdAtMs: PORTAL_BORN_MS,
    updatedAtMs: PORTAL_BORN_MS,
    visibleFromWallMs: 0,
    ...parts,
  };
}

function standardProperties(type: ObjectType): Standard {
  const byName = new Map<string, PropertyDefinition>();
  const groups = new Map<string, PropertyGroup>();
  for (const line of standardLines(type)) {
    const definition = fromLine(line, OBJECTS[type].singular);
    byName.set(definition.name, definition);
    const { groupName } = definition;
    if (!groups.has(groupName)) {
      groups.set(groupName, {
        name: groupName,
        label: groupName,
        displayOrder: groups.size,
        archived: false,
      });
    }
  }
  return { byName, groups };
}

function fromLine(line: string, singular: string): PropertyDefinition {
  const [name = '', label = '', type = '', fieldType = '', group = '', flags = '', options = ''] =
    line.split('|');
  const booleans = type === 'bool' ? 'true=Yes,false=No' : options;
  return propertyDefinition({
    name,
    label,
    type,
    fieldType,
    groupName: `${singular}${group}`,
    options: optionsFrom(booleans),
    externalOptions: flags.includes('e'),
    hasUniqueValue: flags.includes('u'),
    calculated: flags.includes('c'),
    readOnlyValue: flags.includes('r'),
    hubspotDefined: true,
  });
}

function optionsFrom(text: string): PropertyOption[] {
  if (text === '') return [];
  return text.split(',').map((entry, displayOrder) => {
    const [value = '', label = value] = entry.split('=');
    return { label, value, displayOrder, hidden: false };
  });
}
