import { distance } from 'fastest-levenshtein';
import { COMPANY_PREFIX } from '../lambdas/scoring/model-file.ts';

/** Properties that every HubSpot account has and that models score: enough to notice a slip of the finger. */
const CONTACT = names(`
  address annualrevenue city closedate company country createdate email first_conversion_date
  first_conversion_event_name firstname hs_analytics_first_timestamp hs_analytics_first_url hs_analytics_last_referrer
  hs_analytics_last_timestamp hs_analytics_last_url hs_analytics_last_visit_timestamp hs_analytics_num_page_views
  hs_analytics_num_visits hs_analytics_source hs_analytics_source_data_1 hs_analytics_source_data_2 hs_buying_role
  hs_country_region_code hs_email_bounce hs_email_click hs_email_domain hs_email_hard_bounce_reason_enum
  hs_email_last_click_date hs_email_last_open_date hs_email_last_reply_date hs_email_last_send_date hs_email_open
  hs_email_optout hs_email_quarantined hs_email_replied hs_language hs_last_sales_activity_timestamp hs_latest_source
  hs_lead_status hs_persona hs_role hs_sales_email_last_clicked hs_sales_email_last_opened hs_sales_email_last_replied
  hs_seniority hs_state_code hubspot_owner_id industry job_function jobtitle lastname lifecyclestage mobilephone
  notes_last_contacted num_associated_deals num_contacted_notes num_conversion_events numemployees phone
  recent_conversion_date recent_conversion_event_name salutation seniority state website zip`);
const COMPANY = names(`
  address annualrevenue city closedate country createdate description domain founded_year hs_country_code
  hs_employee_range hs_ideal_customer_profile hs_is_target_account hs_lead_status hs_num_open_deals hs_revenue_range
  hubspot_owner_id industry is_public lifecyclestage name num_associated_contacts num_associated_deals numberofemployees
  phone recent_deal_amount state timezone total_money_raised total_revenue type web_technologies website zip`);

function names(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}

/** Shorter names differ from each other by two letters too easily. */
const SHORT_NAME = 8;

/**
 * The standard property that was likely meant by a name that is none. Properties of one's own may have any name, so this is
 * good for a warning and no more.
 *
 * @param property - as models write it: those of companies as `company.<name>`
 */
export function likelyMeant(property: string): string | undefined {
  const isOfCompany = property.startsWith(COMPANY_PREFIX);
  const prefix = isOfCompany ? COMPANY_PREFIX : '';
  const name = property.slice(prefix.length);
  const known = isOfCompany ? COMPANY : CONTACT;
  if (known.has(name)) return undefined;
  if (!isOfCompany && COMPANY.has(name)) return `${COMPANY_PREFIX}${name}`;
  const edits = name.length < SHORT_NAME ? 1 : 2;
  const near = [...known].find((standard) => distance(name, standard) <= edits);
  return near === undefined ? undefined : `${prefix}${near}`;
}
