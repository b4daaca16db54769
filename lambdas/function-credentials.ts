import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Stands in for the SDK's chain of credential sources in the bundles: Lambda hands a function its credentials in the environment,
 * and the others (profiles, single sign-on, instance metadata) would be a good part of every bundle.
 */
export const defaultProvider = (): ReturnType<typeof fromEnv> => fromEnv();
