/** The limit of a private app of HubSpot Professional and Enterprise (developers.hubspot.com, "API usage guidelines", read 2026-11). */
export const LIMIT_PER_10_SECONDS = 190;

/** Calls left to others: the default of the setting `hubspotReservePer10Seconds`. */
export const RESERVE_PER_10_SECONDS = 20;
