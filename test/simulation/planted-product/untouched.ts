/** What no simulation loads. */
export const NOBODY = 'loads this';
