/** Shares of the font size that characters of Arial take, about; bold ones are wider. */
const NARROW = 0.28;
const WIDE = 0.85;
const CAPITAL = 0.68;
const USUAL = 0.54;
const BOLD = 1.07;

/** Pixels that a text takes, about: nothing here can measure a font. */
export function widthOf(text: string, fontSize: number, isBold = false): number {
  const sum = Array.from(text).reduce((total, character) => total + shareOf(character), 0);
  return sum * fontSize * (isBold ? BOLD : 1);
}

function shareOf(character: string): number {
  if (/[\s.,:;'’!|()[\]fijlrtI-]/.test(character)) return NARROW;
  if (/[mwMW%@]/.test(character)) return WIDE;
  return /[A-Z]/.test(character) ? CAPITAL : USUAL;
}

/** The text, or as much of its begin as there is room for. */
export function fitted(text: string, width: number, fontSize: number, isBold = false): string {
  if (widthOf(text, fontSize, isBold) <= width) return text;
  let cut = text;
  while (cut !== '' && widthOf(`${cut}…`, fontSize, isBold) > width) cut = cut.slice(0, -1);
  return `${cut.trimEnd()}…`;
}

/** Text as XML holds it. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
