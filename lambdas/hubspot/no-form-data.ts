/** Stands in for the form-data package in the bundles: HubSpot's client needs it for file uploads only, and we upload nothing. */
export const uploads = undefined;
