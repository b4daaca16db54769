/** Whether two names are of one time zone: HubSpot and people also use names from before, such as US/Eastern for America/New_York. */
export function isSameTimeZone(one: string, other: string): boolean {
  return one === other || nameOf(one) === nameOf(other);
}

/** The one name of all that a zone has; of a zone that this runtime does not know, the one given. */
function nameOf(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    return timeZone;
  }
}
