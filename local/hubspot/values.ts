// What a property takes, and the form in which a read returns it.

import type { PropertyProblem } from './errors.ts';
import { OBJECTS, type ObjectType } from './object-types.ts';
import { type PropertyCatalog, type PropertyDefinition, visibleProperty } from './properties.ts';
import { isoTime, parseDate, parseDatetime } from './timestamps.ts';

/** Longest string value (HubSpot docs, "Properties", read November 2026). */
const MAX_STRING_LENGTH = 65_536;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
const EMAIL = /^[^\s@<>,;:"()[\]\\]{1,64}@[^\s@<>,;:"()[\]\\.]+(\.[^\s@<>,;:"()[\]\\.]+)+$/;

/** Values in stored form, ready to be written, or what is wrong with them. */
export interface CheckedValues {
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly PropertyProblem[];
}

/**
 * Checks the properties of one input.
 *
 * @param writer - the API may not write read-only values; HubSpot itself may
 */
export function checkValues(
  catalog: PropertyCatalog,
  type: ObjectType,
  properties: Readonly<Record<string, string>>,
  writer: 'api' | 'portal',
): CheckedValues {
  const values = new Map<string, string>();
  const problems: PropertyProblem[] = [];
  for (const [property, text] of Object.entries(properties)) {
    const definition = visibleProperty(catalog, type, property);
    if (definition === undefined) {
      problems.push({
        code: 'PROPERTY_DOESNT_EXIST',
        message: `Property "${property}" does not exist`,
        property,
      });
    } else if (writer === 'api' && (definition.readOnlyValue || definition.calculated)) {
      const message = `"${property}" is a read only property; its value cannot be set.`;
      problems.push({ code: 'READ_ONLY_VALUE', message, property });
    } else {
      const checked = checkValue(definition, type, text);
      if (typeof checked === 'string') values.set(property, checked);
      else problems.push({ ...checked, property });
    }
  }
  return { values, problems };
}

type Wrong = Omit<PropertyProblem, 'property'>;

/** The stored form of one value, or what is wrong with it; '' clears. */
function checkValue(definition: PropertyDefinition, type: ObjectType, text: string): string | Wrong {
  if (text === '') return '';
  if (type === 'contacts' && definition.name === 'email') return checkEmail(text);
  switch (definition.type) {
    case 'number':
      return checkNumber(text);
    case 'date': {
      const ms = parseDate(text.trim());
      if (ms !== undefined) return isoTime(ms).slice(0, 10);
      return { code: 'INVALID_DATE', message: `${text} was not a valid date.` };
    }
    case 'datetime': {
      const ms = parseDatetime(text.trim());
      return ms === undefined
        ? { code: 'INVALID_LONG', message: `${text} was not a valid long.` }
        : isoTime(ms);
    }
    case 'bool':
    case 'enumeration':
      return checkOption(definition, text);
    default:
      if (text.length <= MAX_STRING_LENGTH) return text;
      return { code: 'VALUE_TOO_LONG', message: `The value is longer than ${MAX_STRING_LENGTH} characters.` };
  }
}

function checkEmail(text: string): string | Wrong {
  const address = text.trim().toLowerCase();
  return EMAIL.test(address)
    ? address
    : { code: 'INVALID_EMAIL', message: `Email address ${text} is invalid` };
}

function checkNumber(text: string): string | Wrong {
  const number = text.trim();
  return NUMBER.test(number) && Number.isFinite(Number(number))
    ? withoutZeros(number)
    : { code: 'INVALID_INTEGER', message: `${text} was not a valid number.` };
}

/** Nobody has recorded whether HubSpot keeps the zeros that say nothing; who relies on `400.00` coming back as it was sent is found here. */
function withoutZeros(number: string): string {
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)0*(\d*)(?:\.(\d*))?$/.exec(number) ?? [];
  const behind = fraction.replace(/0+$/, '');
  if (/e/i.test(number)) return number;
  const size = `${whole === '' ? '0' : whole}${behind === '' ? '' : `.${behind}`}`;
  return sign === '-' && size !== '0' ? `-${size}` : size;
}

function checkOption(definition: PropertyDefinition, text: string): string | Wrong {
  if (definition.externalOptions) return text;
  const allowed = new Set(definition.options.map(({ value }) => value));
  const chosen = definition.fieldType === 'checkbox' ? text.split(';').filter((part) => part !== '') : [text];
  const unknown = chosen.find((value) => !allowed.has(value));
  if (unknown === undefined) return text;
  const message = `${unknown} was not one of the allowed options: [${[...allowed].join(', ')}]`;
  return { code: 'INVALID_OPTION', message };
}

/** A value as it is stored over an earlier one: a leading ';' appends to a multiple-checkbox property. */
export function storedOver(definition: PropertyDefinition, earlier: string, value: string): string {
  if (definition.fieldType !== 'checkbox') return value;
  const before = value.startsWith(';') ? earlier.split(';') : [];
  return [...new Set([...before, ...value.split(';')])].filter((part) => part !== '').join(';');
}

/** The instant behind a stored date or datetime value, epoch milliseconds. */
export function instantOf(definition: PropertyDefinition | undefined, value: string): number | undefined {
  if (value === '' || definition === undefined) return undefined;
  return definition.type === 'date' || definition.type === 'datetime' ? Date.parse(value) : undefined;
}

/** Properties whose values belong to one record at a time. */
export function isUnique(type: ObjectType, definition: PropertyDefinition): boolean {
  return definition.hasUniqueValue || (type === 'contacts' && definition.name === 'email');
}

/** How an object type is called in messages, e.g. `CONTACT`. */
export function upperName(type: ObjectType): string {
  return OBJECTS[type].singular.toUpperCase();
}
