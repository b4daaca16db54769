export type ObjectType = 'contacts' | 'companies' | 'deals';

/** How HubSpot names one object type: in paths, in ids, in events and in messages. */
export interface ObjectNames {
  readonly type: ObjectType;
  readonly typeId: '0-1' | '0-2' | '0-3';
  readonly singular: 'contact' | 'company' | 'deal';
  readonly modifiedProperty: 'lastmodifieddate' | 'hs_lastmodifieddate';
  /** Properties a read returns when it names none. */
  readonly defaultProperties: readonly string[];
  /** Versions of a property value that are kept. */
  readonly historyVersions: number;
  readonly firstId: number;
}

export const OBJECTS: Readonly<Record<ObjectType, ObjectNames>> = {
  contacts: {
    type: 'contacts',
    typeId: '0-1',
    singular: 'contact',
    modifiedProperty: 'lastmodifieddate',
    defaultProperties: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
    historyVersions: 45,
    firstId: 541_935_488_000,
  },
  companies: {
    type: 'companies',
    typeId: '0-2',
    singular: 'company',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
    historyVersions: 20,
    firstId: 31_204_567_000,
  },
  deals: {
    type: 'deals',
    typeId: '0-3',
    singular: 'deal',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: [
      'amount',
      'closedate',
      'createdate',
      'dealname',
      'dealstage',
      'hs_lastmodifieddate',
      'hs_object_id',
      'pipeline',
    ],
    historyVersions: 20,
    firstId: 48_123_456_000,
  },
};

export const OBJECT_TYPES: readonly ObjectType[] = ['contacts', 'companies', 'deals'];

/** Finds the object type behind a path segment: plural, singular or type id. */
export function objectTypeOf(name: string): ObjectType | undefined {
  return OBJECT_TYPES.find((type) => {
    const { typeId, singular } = OBJECTS[type];
    return name === type || name === typeId || name === singular;
  });
}
