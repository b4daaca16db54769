import type { ObjectType } from './object-types.ts';

/** Who made a change, as webhooks and histories report it: `CRM_UI` with `userId:1`, `INTEGRATION` with an app id, ... */
export interface ChangeSource {
  readonly changeSource: string;
  readonly sourceId?: string;
}

export const A_USER: ChangeSource = { changeSource: 'CRM_UI', sourceId: 'userId:882761034' };

/** HubSpot itself, working out a property from others. */
export const CALCULATED: ChangeSource = { changeSource: 'CALCULATED' };

interface ChangeBase {
  readonly type: ObjectType;
  readonly id: string;
  readonly atMs: number;
  readonly source: ChangeSource;
}

/** Something that happened to a record, before anybody decided who is told. */
export type Change =
  | (ChangeBase & { readonly kind: 'creation' | 'deletion' | 'restore' | 'privacyDeletion' })
  | (ChangeBase & {
      readonly kind: 'propertyChange';
      readonly property: string;
      /** As a read would return it; '' when cleared. */
      readonly value: string;
      /** The same instant as epoch milliseconds, for date and datetime properties. */
      readonly valueMs?: number;
    })
  | (ChangeBase & {
      readonly kind: 'merge';
      readonly primaryId: string;
      readonly mergedId: string;
      readonly propertiesMoved: number;
    })
  | (ChangeBase & {
      readonly kind: 'associationChange';
      readonly toType: ObjectType;
      readonly toId: string;
      readonly typeId: number;
      readonly removed: boolean;
      readonly primary: boolean;
    });
