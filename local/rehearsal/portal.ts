import * as v from 'valibot';

/** HubSpot takes as many records in one call. */
const PAGE = 100;
const CONTACTS_URL = '/crm/objects/2026-03/contacts';
const PROPERTIES_URL = '/crm/properties/2026-03/contacts';
const OUTPUTS = ['afterglow_score', 'afterglow_grade', 'afterglow_status', 'afterglow_model'];

const Details = v.object({ portalId: v.number(), timeZone: v.string() });
const Created = v.object({
  results: v.array(v.object({ id: v.string(), properties: v.looseObject({ email: v.string() }) })),
});
const Read = v.object({
  results: v.array(
    v.object({ id: v.string(), properties: v.record(v.string(), v.nullish(v.string(), null)) }),
  ),
});
const Histories = v.object({
  results: v.array(
    v.object({
      id: v.string(),
      propertiesWithHistory: v.record(
        v.string(),
        v.tupleWithRest([v.object({ timestamp: v.string() })], v.unknown()),
      ),
    }),
  ),
});
const Page = v.object({
  results: v.array(v.unknown()),
  paging: v.optional(v.object({ next: v.optional(v.object({ after: v.string() })) })),
});

/** Output properties of a contact, by name; null where HubSpot has none. */
export type Outputs = Readonly<Record<string, string | null>>;

/** A HubSpot portal, as whoever works with it through its public API sees it. */
export class TestPortal {
  readonly #apiUrl: string;
  readonly #token: string;

  /** @param apiUrl - scheme and host, no trailing slash */
  constructor(apiUrl: string, token: string) {
    this.#apiUrl = apiUrl;
    this.#token = token;
  }

  /** Whose portal the token is of. */
  async account(): Promise<{ portalId: string; timeZone: string }> {
    const { portalId, timeZone } = v.parse(Details, await this.#call('GET', '/account-info/2026-03/details'));
    return { portalId: String(portalId), timeZone };
  }

  /** Whether there is a score of ours already. */
  async isInUse(): Promise<boolean> {
    const { results } = v.parse(Page, await this.#call('GET', PROPERTIES_URL));
    return results.some((property) => v.is(v.looseObject({ name: v.literal('afterglow_score') }), property));
  }

  /** How many contacts there are; counting ends above `most`. */
  async countContacts(most: number): Promise<number> {
    let count = 0;
    let after: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(PAGE), ...(after !== undefined && { after }) });
      const page = v.parse(Page, await this.#call('GET', `${CONTACTS_URL}?${query.toString()}`));
      count += page.results.length;
      after = page.paging?.next?.after;
    } while (after !== undefined && count <= most);
    return count;
  }

  /** @param contacts - properties, among them `email`. @returns record ids by e-mail address */
  async create(contacts: readonly Readonly<Record<string, string>>[]): Promise<Map<string, string>> {
    const inputs = contacts.map((properties) => ({ properties, associations: [] }));
    const { results } = v.parse(
      Created,
      await this.#call('POST', `${CONTACTS_URL}/batch/create`, { inputs }),
    );
    if (results.length !== contacts.length)
      throw new Error(`HubSpot created ${results.length} of ${contacts.length} contacts`);
    return new Map(results.map(({ id, properties }) => [properties.email, id]));
  }

  async change(id: string, properties: Readonly<Record<string, string>>): Promise<void> {
    await this.#call('PATCH', `${CONTACTS_URL}/${id}`, { properties });
  }

  /**
   * When a property of contacts was last changed, as HubSpot's history has it: epoch milliseconds by record id.
   *
   * @param ids - up to 50, as many as HubSpot reads with histories in one call
   */
  async changeTimes(ids: readonly string[], property: string): Promise<Map<string, number>> {
    const inputs = ids.map((id) => ({ id }));
    const body = { properties: [], propertiesWithHistory: [property], inputs };
    const { results } = v.parse(Histories, await this.#call('POST', `${CONTACTS_URL}/batch/read`, body));
    return new Map(
      results.map(({ id, propertiesWithHistory }) => [
        id,
        Date.parse(propertiesWithHistory[property]?.[0].timestamp ?? ''),
      ]),
    );
  }

  /** What HubSpot shows of each contact, by record id. A property that does not exist is left out by HubSpot. */
  async outputs(ids: readonly string[]): Promise<Map<string, Outputs>> {
    const body = { properties: OUTPUTS, propertiesWithHistory: [], inputs: ids.map((id) => ({ id })) };
    const { results } = v.parse(Read, await this.#call('POST', `${CONTACTS_URL}/batch/read`, body));
    return new Map(results.map(({ id, properties }) => [id, properties]));
  }

  async archive(ids: readonly string[]): Promise<void> {
    await this.#call('POST', `${CONTACTS_URL}/batch/archive`, { inputs: ids.map((id) => ({ id })) });
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    if (!response.ok || response.status === 207)
      throw new Error(`HubSpot answered ${method} ${path} with ${response.status}: ${text.slice(0, 500)}`);
    return text === '' ? {} : JSON.parse(text);
  }
}
