// The properties a new portal has: a believable part of HubSpot's own, written one to a line. `model check` knows them from here too.
import type { ObjectType } from './object-types.ts';

/** `name|label|type|fieldType|group|flags|options`; flags: r read-only value, c calculated, u unique. Options `value=label`. */
type Line = string;

const LIFECYCLE_STAGES =
  'subscriber=Subscriber,lead=Lead,marketingqualifiedlead=Marketing Qualified Lead,salesqualifiedlead=Sales Qualified Lead,opportunity=Opportunity,customer=Customer,evangelist=Evangelist,other=Other';
const LEAD_STATUSES =
  'NEW=New,OPEN=Open,IN_PROGRESS=In Progress,OPEN_DEAL=Open Deal,UNQUALIFIED=Unqualified,ATTEMPTED_TO_CONTACT=Attempted to Contact,CONNECTED=Connected,BAD_TIMING=Bad Timing';
const TRAFFIC_SOURCES =
  'ORGANIC_SEARCH=Organic Search,PAID_SEARCH=Paid Search,EMAIL_MARKETING=Email Marketing,SOCIAL_MEDIA=Organic Social,REFERRALS=Referrals,OTHER_CAMPAIGNS=Other Campaigns,DIRECT_TRAFFIC=Direct Traffic,OFFLINE=Offline Sources,PAID_SOCIAL=Paid Social,AI_REFERRALS=AI Referrals';
const INDUSTRIES = `
  ACCOUNTING AIRLINES_AVIATION ALTERNATIVE_DISPUTE_RESOLUTION ALTERNATIVE_MEDICINE ANIMATION APPAREL_FASHION
  ARCHITECTURE_PLANNING ARTS_AND_CRAFTS AUTOMOTIVE AVIATION_AEROSPACE BANKING BIOTECHNOLOGY BROADCAST_MEDIA BUILDING_MATERIALS
  BUSINESS_SUPPLIES_AND_EQUIPMENT CAPITAL_MARKETS CHEMICALS CIVIC_SOCIAL_ORGANIZATION CIVIL_ENGINEERING COMMERCIAL_REAL_ESTATE
  COMPUTER_GAMES COMPUTER_HARDWARE COMPUTER_NETWORKING COMPUTER_NETWORK_SECURITY COMPUTER_SOFTWARE CONSTRUCTION
  CONSUMER_ELECTRONICS CONSUMER_GOODS CONSUMER_SERVICES COSMETICS DAIRY DEFENSE_SPACE DESIGN EDUCATION_MANAGEMENT
  ELECTRICAL_ELECTRONIC_MANUFACTURING ENTERTAINMENT ENVIRONMENTAL_SERVICES EVENTS_SERVICES EXECUTIVE_OFFICE E_LEARNING
  FACILITIES_SERVICES FARMING FINANCIAL_SERVICES FINE_ART FISHERY FOOD_BEVERAGES FOOD_PRODUCTION FUND_RAISING FURNITURE
  GAMBLING_CASINOS GLASS_CERAMICS_CONCRETE GOVERNMENT_ADMINISTRATION GOVERNMENT_RELATIONS GRAPHIC_DESIGN
  HEALTH_WELLNESS_AND_FITNESS HIGHER_EDUCATION HOSPITALITY HOSPITAL_HEALTH_CARE HUMAN_RESOURCES IMPORT_AND_EXPORT
  INDIVIDUAL_FAMILY_SERVICES INDUSTRIAL_AUTOMATION INFORMATION_SERVICES INFORMATION_TECHNOLOGY_AND_SERVICES INSURANCE
  INTERNATIONAL_AFFAIRS INTERNATIONAL_TRADE_AND_DEVELOPMENT INTERNET INVESTMENT_BANKING INVESTMENT_MANAGEMENT JUDICIARY
  LAW_ENFORCEMENT LAW_PRACTICE LEGAL_SERVICES LEGISLATIVE_OFFICE LEISURE_TRAVEL_TOURISM LIBRARIES LOGISTICS_AND_SUPPLY_CHAIN
  LUXURY_GOODS_JEWELRY MACHINERY MANAGEMENT_CONSULTING MARITIME MARKETING_AND_ADVERTISING MARKET_RESEARCH
  MECHANICAL_OR_INDUSTRIAL_ENGINEERING MEDIA_PRODUCTION MEDICAL_DEVICES MEDICAL_PRACTICE MENTAL_HEALTH_CARE MILITARY
  MINING_METALS MOBILE_GAMES MOTION_PICTURES_AND_FILM MUSEUMS_AND_INSTITUTIONS MUSIC NANOTECHNOLOGY NEWSPAPERS
  NON_PROFIT_ORGANIZATION_MANAGEMENT OIL_ENERGY ONLINE_MEDIA OUTSOURCING_OFFSHORING PACKAGE_FREIGHT_DELIVERY
  PACKAGING_AND_CONTAINERS PAPER_FOREST_PRODUCTS PERFORMING_ARTS PHARMACEUTICALS PHILANTHROPY PHOTOGRAPHY PLASTICS
  POLITICAL_ORGANIZATION PRIMARY_SECONDARY_EDUCATION PRINTING PROFESSIONAL_TRAINING_COACHING PROGRAM_DEVELOPMENT PUBLIC_POLICY
  PUBLIC_RELATIONS_AND_COMMUNICATIONS PUBLIC_SAFETY PUBLISHING RAILROAD_MANUFACTURE RANCHING REAL_ESTATE
  RECREATIONAL_FACILITIES_AND_SERVICES RELIGIOUS_INSTITUTIONS RENEWABLES_ENVIRONMENT RESEARCH RESTAURANTS RETAIL
  SECURITY_AND_INVESTIGATIONS SEMICONDUCTORS SHIPBUILDING SPORTING_GOODS SPORTS STAFFING_AND_RECRUITING SUPERMARKETS
  TELECOMMUNICATIONS TEXTILES THINK_TANKS TOBACCO TRANSLATION_AND_LOCALIZATION TRANSPORTATION_TRUCKING_RAILROAD UTILITIES
  VENTURE_CAPITAL_PRIVATE_EQUITY VETERINARY WAREHOUSING WHOLESALE WINE_AND_SPIRITS WIRELESS WRITING_AND_EDITING`
  .trim()
  .split(/\s+/)
  .join(',');

const SHARED: readonly Line[] = [
  'hs_object_id|Record ID|number|number|information|r',
  'hs_merged_object_ids|Merged record IDs|enumeration|checkbox|information|re',
  'hubspot_owner_id|Owner|enumeration|select|information|e',
  'hubspot_owner_assigneddate|Owner assigned date|datetime|date|information|r',
  'hs_object_source_label|Record source|string|text|information|r',
  'hs_analytics_source|Original Traffic Source|enumeration|select|analytics|r|' + TRAFFIC_SOURCES,
  'hs_analytics_source_data_1|Original Traffic Source Drill-Down 1|string|text|analytics|r',
  'hs_analytics_source_data_2|Original Traffic Source Drill-Down 2|string|text|analytics|r',
  'hs_analytics_latest_source|Latest Traffic Source|enumeration|select|analytics|r|' + TRAFFIC_SOURCES,
  'hs_analytics_latest_source_data_1|Latest Traffic Source Drill-Down 1|string|text|analytics|r',
  'hs_analytics_latest_source_data_2|Latest Traffic Source Drill-Down 2|string|text|analytics|r',
  'hs_analytics_latest_source_timestamp|Latest Traffic Source Date|datetime|date|analytics|r',
  'notes_last_contacted|Last Contacted|datetime|date|information|r',
  'notes_last_updated|Last Activity Date|datetime|date|information|r',
  'notes_next_activity_date|Next Activity Date|datetime|date|information|r',
  'num_contacted_notes|Number of times contacted|number|number|information|r',
  'num_notes|Number of Sales Activities|number|number|information|r',
];

const WEB_ANALYTICS: readonly Line[] = [
  'hs_analytics_first_timestamp|Time First Seen|datetime|date|analytics|r',
  'hs_analytics_last_timestamp|Time of Last Session|datetime|date|analytics|r',
  'hs_analytics_first_visit_timestamp|Time of First Session|datetime|date|analytics|r',
  'hs_analytics_last_visit_timestamp|Time Last Seen|datetime|date|analytics|r',
  'hs_analytics_num_visits|Number of Sessions|number|number|analytics|r',
  'hs_analytics_num_page_views|Number of Pageviews|number|number|analytics|r',
  'hs_analytics_num_event_completions|Number of event completions|number|number|analytics|r',
  'first_conversion_date|First Conversion Date|datetime|date|conversion|r',
  'first_conversion_event_name|First Conversion|string|text|conversion|r',
  'recent_conversion_date|Recent Conversion Date|datetime|date|conversion|r',
  'recent_conversion_event_name|Recent Conversion|string|text|conversion|r',
  'num_conversion_events|Number of Form Submissions|number|number|conversion|r',
  'num_unique_conversion_events|Number of Unique Forms Submitted|number|number|conversion|r',
  'num_associated_deals|Number of Associated Deals|number|number|deal|r',
  'first_deal_created_date|First Deal Created Date|datetime|date|deal|r',
  'recent_deal_amount|Recent Deal Amount|number|number|deal|r',
  'closedate|Close Date|datetime|date|deal|r',
  'recent_deal_close_date|Recent Deal Close Date|datetime|date|deal|r',
  'total_revenue|Total Revenue|number|number|deal|r',
];

const CONTACT: readonly Line[] = [
  'email|Email|string|text|information|u',
  'firstname|First Name|string|text|information|',
  'lastname|Last Name|string|text|information|',
  'salutation|Salutation|string|text|information|',
  'jobtitle|Job Title|string|text|information|',
  'seniority|Seniority|string|text|information|',
  'job_function|Job function|string|text|information|',
  'hs_seniority|Employment Seniority|enumeration|select|information||executive=Executive,vp=VP,director=Director,manager=Manager,senior=Senior,employee=Employee,entry=Entry,owner=Owner,partner=Partner',
  'hs_role|Employment Role|enumeration|select|information||accounting=Accounting,administrative=Administrative,business_development=Business Development,consulting=Consulting,customer_service=Customer Service,engineering=Engineering,finance=Finance,human_resources=Human Resources,information_technology=Information Technology,legal=Legal,marketing=Marketing,operations=Operations,product_management=Product Management,project_management=Project Management,research=Research,sales=Sales',
  'hs_buying_role|Buying Role|enumeration|checkbox|information||BLOCKER=Blocker,BUDGET_HOLDER=Budget Holder,CHAMPION=Champion,DECISION_MAKER=Decision Maker,END_USER=End User,EXECUTIVE_SPONSOR=Executive Sponsor,INFLUENCER=Influencer,LEGAL_AND_COMPLIANCE=Legal & Compliance,OTHER=Other',
  'company|Company Name|string|text|information|',
  'phone|Phone Number|string|phonenumber|information|',
  'mobilephone|Mobile Phone Number|string|phonenumber|information|',
  'website|Website URL|string|text|information|',
  'address|Street Address|string|text|information|',
  'city|City|string|text|information|',
  'state|State/Region|string|text|information|',
  'zip|Postal Code|string|text|information|',
  'country|Country/Region|string|text|information|',
  'hs_country_region_code|Country/Region Code|string|text|information|',
  'hs_language|Preferred language|string|text|information|',
  'hs_state_code|State/Region Code|string|text|information|',
  'hs_timezone|Time Zone|string|text|information|',
  'industry|Industry|string|text|information|',
  'numemployees|Number of Employees|enumeration|radio|information||1-5,5-25,25-50,50-100,100-500,500-1000,1000+',
  'annualrevenue|Annual Revenue|string|text|information|',
  'message|Message|string|textarea|information|',
  'createdate|Create Date|datetime|date|information|r',
  'lastmodifieddate|Last Modified Date|datetime|date|information|r',
  'lifecyclestage|Lifecycle Stage|enumeration|radio|information||' + LIFECYCLE_STAGES,
  'hs_lead_status|Lead Status|enumeration|radio|sales||' + LEAD_STATUSES,
  'hs_persona|Persona|enumeration|select|information|e',
  'hs_linkedin_url|LinkedIn URL|string|text|information|',
  'hs_email_domain|Email Domain|string|text|email|r',
  'hs_additional_emails|Additional email addresses|enumeration|checkbox|information|re',
  'associatedcompanyid|Primary Associated Company ID|number|number|information|e',
  'hs_legal_basis|Legal basis for processing contact data|enumeration|checkbox|information||Legitimate interest – prospect/lead,Legitimate interest – existing customer,Performance of a contract,Freely given consent from contact,Not applicable',
  'hs_marketable_status|Marketing contact status|enumeration|booleancheckbox|information|r|true=Marketing contact,false=Non-marketing contact',
  'hs_analytics_first_url|First Page Seen|string|text|analytics|r',
  'hs_analytics_last_url|Last Page Seen|string|text|analytics|r',
  'hs_analytics_first_referrer|First Referring Site|string|text|analytics|r',
  'hs_analytics_last_referrer|Last Referring Site|string|text|analytics|r',
  'hs_analytics_average_page_views|Average Pageviews|number|number|analytics|r',
  'hs_analytics_revenue|Event Revenue|number|number|analytics|r',
  'hs_latest_source|Latest Traffic Source|enumeration|select|analytics|r|' + TRAFFIC_SOURCES,
  'hs_latest_source_data_1|Latest Traffic Source Drill-Down 1|string|text|analytics|r',
  'hs_latest_source_data_2|Latest Traffic Source Drill-Down 2|string|text|analytics|r',
  'hs_latest_source_timestamp|Latest Traffic Source Date|datetime|date|analytics|r',
  'hs_email_first_send_date|First marketing email send date|datetime|date|email|r',
  'hs_email_first_open_date|First marketing email open date|datetime|date|email|r',
  'hs_email_first_click_date|First marketing email click date|datetime|date|email|r',
  'hs_email_first_reply_date|First marketing email reply date|datetime|date|email|r',
  'hs_email_last_send_date|Last marketing email send date|datetime|date|email|r',
  'hs_email_last_open_date|Last marketing email open date|datetime|date|email|r',
  'hs_email_last_click_date|Last marketing email click date|datetime|date|email|r',
  'hs_email_last_reply_date|Last marketing email reply date|datetime|date|email|r',
  'hs_email_last_email_name|Last marketing email name|string|text|email|r',
  'hs_email_delivered|Marketing emails delivered|number|number|email|r',
  'hs_email_open|Marketing emails opened|number|number|email|r',
  'hs_email_click|Marketing emails clicked|number|number|email|r',
  'hs_email_replied|Marketing emails replied|number|number|email|r',
  'hs_email_bounce|Marketing emails bounced|number|number|email|r',
  'hs_email_hard_bounce_reason_enum|Email hard bounce reason|enumeration|select|email|r|OTHER=Other,UNKNOWN_USER=Unknown user,SPAM=Spam,CONTENT=Content,POLICY=Policy,MAILBOX_FULL=Mailbox full',
  'hs_email_optout|Unsubscribed from all email|bool|booleancheckbox|email|',
  'hs_email_is_ineligible|Is globally ineligible|bool|booleancheckbox|email|r',
  'hs_email_quarantined|Email address quarantined|bool|booleancheckbox|email|r',
  'hs_email_sends_since_last_engagement|Sends since last engagement|number|number|email|r',
  'hs_sales_email_last_opened|Recent Sales Email Opened Date|datetime|date|sales|r',
  'hs_sales_email_last_clicked|Recent Sales Email Clicked Date|datetime|date|sales|r',
  'hs_sales_email_last_replied|Recent Sales Email Replied Date|datetime|date|sales|r',
  'hs_last_sales_activity_date|Last Sales Activity|datetime|date|sales|r',
  'hs_last_sales_activity_timestamp|Last Engagement Date|datetime|date|sales|r',
  'hs_sequences_is_enrolled|Now in Sequence|bool|booleancheckbox|sales|r',
  'hs_social_last_engagement|Most Recent Social Click|datetime|date|analytics|r',
  'engagements_last_meeting_booked|Date of last meeting booked in meetings tool|datetime|date|sales|r',
  'engagements_last_meeting_booked_campaign|Campaign of last booking in meetings tool|string|text|sales|r',
  'webinareventlastupdated|Last Webinar Date|datetime|date|information|',
  'hs_content_membership_status|Status|enumeration|select|information|r|active=Active,inactive=Inactive',
  'hubspotscore|HubSpot Score|number|number|information|rc',
  'hs_predictivecontactscore_v2|Likelihood to close|number|number|information|r',
  'hs_predictivescoringtier|Contact priority|enumeration|radio|information|r|tier_1=Very High,tier_2=High,tier_3=Medium,tier_4=Low',
  'hs_lifecyclestage_subscriber_date|Became a Subscriber Date|datetime|date|information|r',
  'hs_lifecyclestage_lead_date|Became a Lead Date|datetime|date|information|r',
  'hs_lifecyclestage_marketingqualifiedlead_date|Became a Marketing Qualified Lead Date|datetime|date|information|r',
  'hs_lifecyclestage_salesqualifiedlead_date|Became a Sales Qualified Lead Date|datetime|date|information|r',
  'hs_lifecyclestage_opportunity_date|Became an Opportunity Date|datetime|date|information|r',
  'hs_lifecyclestage_customer_date|Became a Customer Date|datetime|date|information|r',
];

const COMPANY: readonly Line[] = [
  'name|Company name|string|text|information|',
  'domain|Company Domain Name|string|text|information|',
  'website|Website URL|string|text|information|',
  'phone|Phone Number|string|phonenumber|information|',
  'description|Description|string|textarea|information|',
  'about_us|About Us|string|textarea|information|',
  'address|Street Address|string|text|information|',
  'city|City|string|text|information|',
  'state|State/Region|string|text|information|',
  'zip|Postal Code|string|text|information|',
  'country|Country/Region|string|text|information|',
  'hs_country_code|Country/Region Code|string|text|information|',
  'timezone|Time Zone|string|text|information|',
  'industry|Industry|enumeration|select|information||' + INDUSTRIES,
  'numberofemployees|Number of Employees|number|number|information|',
  'hs_num_open_deals|Number of open deals|number|number|information|r',
  'hs_revenue_range|Revenue range|string|text|information|',
  'total_money_raised|Total Money Raised|string|text|information|',
  'hs_employee_range|Employee range|string|text|information|',
  'annualrevenue|Annual Revenue|number|number|information|',
  'founded_year|Year Founded|string|text|information|',
  'is_public|Is Public|bool|booleancheckbox|information|',
  'type|Type|enumeration|select|information||PROSPECT=Prospect,PARTNER=Partner,RESELLER=Reseller,VENDOR=Vendor,OTHER=Other',
  'web_technologies|Web Technologies|enumeration|checkbox|information|e',
  'linkedin_company_page|LinkedIn Company Page|string|text|information|',
  'createdate|Create Date|datetime|date|information|',
  'hs_lastmodifieddate|Last Modified Date|datetime|date|information|r',
  'lifecyclestage|Lifecycle Stage|enumeration|radio|information||' + LIFECYCLE_STAGES,
  'hs_lead_status|Lead Status|enumeration|radio|information||' + LEAD_STATUSES,
  'hs_is_target_account|Target Account|bool|booleancheckbox|information|',
  'hs_ideal_customer_profile|Ideal Customer Profile Tier|enumeration|select|information||tier_1=Tier 1,tier_2=Tier 2,tier_3=Tier 3',
  'num_associated_contacts|Number of Associated Contacts|number|number|information|r',
];

const DEAL: readonly Line[] = [
  'dealname|Deal Name|string|text|information|',
  'dealstage|Deal Stage|enumeration|radio|information||appointmentscheduled=Appointment Scheduled,qualifiedtobuy=Qualified To Buy,presentationscheduled=Presentation Scheduled,decisionmakerboughtin=Decision Maker Bought-In,contractsent=Contract Sent,closedwon=Closed Won,closedlost=Closed Lost',
  'pipeline|Pipeline|enumeration|select|information||default=Sales Pipeline',
  'amount|Amount|number|number|information|',
  'amount_in_home_currency|Amount in company currency|number|number|information|rc',
  'closedate|Close Date|datetime|date|information|',
  'dealtype|Deal Type|enumeration|radio|information||newbusiness=New Business,existingbusiness=Existing Business',
  'description|Deal Description|string|textarea|information|',
  'hs_priority|Priority|enumeration|select|information||low=Low,medium=Medium,high=High',
  'deal_currency_code|Currency|enumeration|select|information||EUR=Euro,USD=US Dollar,GBP=British Pound,JPY=Japanese Yen',
  'closed_lost_reason|Closed Lost Reason|string|textarea|information|',
  'closed_won_reason|Closed Won Reason|string|textarea|information|',
  'hs_is_closed|Is Deal Closed?|bool|booleancheckbox|information|rc',
  'hs_is_closed_won|Is Closed Won|bool|booleancheckbox|information|rc',
  'hs_is_closed_lost|Is Closed Lost|bool|booleancheckbox|information|rc',
  'hs_deal_stage_probability|Deal probability|number|number|information|rc',
  'hs_forecast_amount|Forecast amount|number|number|information|rc',
  'days_to_close|Days to close|number|number|information|rc',
  'num_associated_contacts|Number of Associated Contacts|number|number|information|r',
  'createdate|Create Date|datetime|date|information|',
  'hs_createdate|HubSpot Create Date|datetime|date|information|r',
  'hs_lastmodifieddate|Last Modified Date|datetime|date|information|r',
];

/** HubSpot's own property lines of one object type. */
export function standardLines(type: ObjectType): readonly Line[] {
  if (type === 'contacts') return [...CONTACT, ...WEB_ANALYTICS, ...SHARED];
  if (type === 'companies') return [...COMPANY, ...WEB_ANALYTICS, ...SHARED];
  return [...DEAL, ...SHARED];
}
