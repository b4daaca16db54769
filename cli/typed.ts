/** How a command is typed for a stack, or for the local system: by npm, since nobody installs `afterglow` itself. */
export function commandFor(stack: string | undefined): (words: string) => string {
  return (words) => `npm run afterglow -- ${words}${stack === undefined ? '' : ` --stack ${stack}`}`;
}
