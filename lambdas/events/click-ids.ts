/**
 * Parameters by which advertisers recognise who clicked on what they were paid for. `fbclid` is none of them: Facebook adds it to every
 * link. Each from its vendor's help pages on auto-tagging, read 2026-11-22.
 */
export const CLICK_IDS: readonly string[] = [
  'gclid',
  'gbraid',
  'wbraid',
  'dclid',
  'msclkid',
  'ttclid',
  'twclid',
  'li_fat_id',
  'rdt_cid',
  'yclid',
];
