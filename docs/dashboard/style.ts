/** The same classes on a light page and on a dark one: pictures in a README follow the reader's system. */
const LIGHT = {
  page: 'fill:#f2f3f3',
  card: 'fill:#ffffff;stroke:#dde2e3',
  head: 'fill:#16191f;font-weight:700',
  text: 'fill:#232b37',
  soft: 'fill:#5f6b7a',
  grid: 'stroke:#e3e7e8;fill:none',
  line: 'stroke:currentColor;fill:none;stroke-width:1.4;stroke-linejoin:round',
  dot: 'fill:currentColor',
  ok: 'fill:#1d8102',
  alarm: 'fill:#d13212',
  unknown: 'fill:#879596',
  c0: 'color:#1f77b4',
  c1: 'color:#e06c00',
  c2: 'color:#2a9134',
  c3: 'color:#d62728',
  c4: 'color:#8659c2',
  c5: 'color:#8c564b',
  c6: 'color:#c7459b',
  c7: 'color:#6c7a89',
};
const DARK: Partial<typeof LIGHT> = {
  page: 'fill:#0d1117',
  card: 'fill:#161b22;stroke:#30363d',
  head: 'fill:#f0f3f6;font-weight:700',
  text: 'fill:#d5dbe2',
  soft: 'fill:#9aa5b1',
  grid: 'stroke:#2b323b;fill:none',
  ok: 'fill:#3fb950',
  alarm: 'fill:#ff6b5e',
  unknown: 'fill:#8b949e',
  c0: 'color:#58a6ff',
  c1: 'color:#ff9f43',
  c2: 'color:#4cc764',
  c3: 'color:#ff7b72',
  c4: 'color:#bc8cff',
  c5: 'color:#c99a86',
  c6: 'color:#f17fc3',
  c7: 'color:#a8b3bf',
};

function rules(look: Readonly<Record<string, string>>): string {
  return Object.entries(look)
    .map(([name, declarations]) => `.${name}{${declarations}}`)
    .join('');
}

export const STYLE = `${rules(LIGHT)}@media (prefers-color-scheme:dark){${rules(DARK)}}`;
