/** The property group that holds what is shown of scores. */
export const OUTPUT_GROUP = { name: 'afterglow', label: 'Afterglow', displayOrder: -1 } as const;

/** The group of what the section `attribution` of a model asks for: how contacts came, and what deals owe to it. */
export const AI_GROUP = { name: 'afterglow_ai', label: 'Afterglow AI', displayOrder: -1 } as const;

/** A property Afterglow makes, as HubSpot's properties API takes it. */
export interface OutputProperty {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: 'number' | 'string' | 'enumeration' | 'datetime' | 'bool';
  readonly fieldType: 'number' | 'text' | 'textarea' | 'select' | 'date' | 'booleancheckbox';
  readonly groupName: string;
  /** Whether forms may have it as a field. */
  readonly formField?: boolean;
  readonly options?: readonly {
    readonly label: string;
    readonly value: string;
    readonly displayOrder: number;
  }[];
}

/** The property that tells which write HubSpot shows. */
export const WRITE_ID_PROPERTY = 'afterglow_write_id';

export type Kind = Pick<OutputProperty, 'type' | 'fieldType' | 'options'>;

export const NUMBER: Kind = { type: 'number', fieldType: 'number' };
export const TEXT: Kind = { type: 'string', fieldType: 'text' };
export const LONG_TEXT: Kind = { type: 'string', fieldType: 'textarea' };
export const CHOICE: Kind = { type: 'enumeration', fieldType: 'select' };
export const INSTANT: Kind = { type: 'datetime', fieldType: 'date' };

export const BOOL: Kind = {
  type: 'bool',
  fieldType: 'booleancheckbox',
  options: inOrder([
    { label: 'Yes', value: 'true' },
    { label: 'No', value: 'false' },
  ]),
};

type Options = NonNullable<OutputProperty['options']>;

/** Choices in the order in which people are to see them. */
export function inOrder(choices: readonly { readonly value: string; readonly label: string }[]): Options {
  return choices.map(({ value, label }, displayOrder) => ({ label, value, displayOrder }));
}
