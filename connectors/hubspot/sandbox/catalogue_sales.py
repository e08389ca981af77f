"""HubSpot's own properties of companies, contacts and deals, as far as the sandbox has them."""

from __future__ import annotations

_SYSTEM = """
hs_object_id | number | Record ID | r
hs_object_source | text | Record source | rh
hs_object_source_id | text | Record source ID | rh
hs_object_source_label | text | Record source label | r
hs_object_source_user_id | number | Record source user ID | rh
hs_created_by_user_id | number | Created by user ID | r
hs_updated_by_user_id | number | Updated by user ID | r
hs_merged_object_ids | checkbox | Merged record IDs | r
hs_user_ids_of_all_owners | checkbox | User IDs of all owners | rh
hs_all_owner_ids | checkbox | All owner IDs | rh
hs_read_only | bool | Read only object | rh
hs_unique_creation_key | text | Unique creation key | rh
hubspot_owner_id | owner | Owner
hubspot_owner_assigneddate | datetime | Owner assigned date | r
hubspot_team_id | external | Owner's main team
"""
_ACTIVITY = """
notes_last_contacted | datetime | Last contacted | r
notes_last_updated | datetime | Last activity date | r
notes_next_activity_date | datetime | Next activity date | r
hs_latest_meeting_activity | datetime | Latest meeting activity | r
hs_last_sales_activity_timestamp | datetime | Last engagement date | r
num_notes | number | Number of sales activities | r
num_contacted_notes | number | Number of times contacted | r
"""
_LIFECYCLE = (
    "subscriber, lead, marketingqualifiedlead=Marketing Qualified Lead, "
    "salesqualifiedlead=Sales Qualified Lead, opportunity, customer, evangelist, other"
)
_BUYING_ROLES = (
    "BLOCKER, BUDGET_HOLDER, CHAMPION, DECISION_MAKER, END_USER, EXECUTIVE_SPONSOR, INFLUENCER, "
    "LEGAL_AND_COMPLIANCE, OTHER"
)

COMPANIES = f"""
[companyinformation]
name | text | Company name
domain | text | Company Domain Name
website | text | Website URL
description | textarea | Description
about_us | textarea | About Us
phone | phone | Phone Number
address | text | Street Address
address2 | text | Street Address 2
city | text | City
state | text | State/Region
zip | text | Postal Code
country | text | Country/Region
timezone | text | Time Zone
industry | choice | Industry | | COMPUTER_SOFTWARE, FINANCIAL_SERVICES, HOSPITAL_HEALTH_CARE, \
RETAIL, MANUFACTURING=Machinery, TELECOMMUNICATIONS, EDUCATION_MANAGEMENT, \
LOGISTICS_AND_SUPPLY_CHAIN, INSURANCE, UTILITIES
type | choice | Type | | PROSPECT, PARTNER, RESELLER, VENDOR, OTHER
lifecyclestage | radio | Lifecycle Stage | | {_LIFECYCLE}
hs_pipeline | external | Pipeline | h
hs_lead_status | radio | Lead Status | | NEW, OPEN, IN_PROGRESS, OPEN_DEAL, UNQUALIFIED, \
ATTEMPTED_TO_CONTACT, CONNECTED, BAD_TIMING
hs_csm_sentiment | choice | CSM Sentiment | | at_risk=At Risk, neutral, healthy
hs_ideal_customer_profile | choice | Ideal Customer Profile Tier | | tier_1=Tier 1, tier_2=Tier \
2, tier_3=Tier 3
hs_is_target_account | bool | Target Account
hs_parent_company_id | company | Parent Company | r
hs_num_child_companies | number | Number of child companies | r
hs_additional_domains | checkbox | Additional Domains | r
founded_year | text | Year Founded
is_public | bool | Is Public
annualrevenue | money | Annual Revenue
hs_annual_revenue_currency_code | choice | Annual revenue currency code | | USD, EUR, GBP, CHF, \
JPY, AUD, CAD, SEK, INR, SGD, BRL
numberofemployees | number | Number of Employees
linkedin_company_page | text | LinkedIn Company Page
twitterhandle | text | Twitter Handle
hs_num_decision_makers | rollup | Number of decision makers
hs_num_blockers | rollup | Number of blockers
hs_num_contacts_with_buying_roles | rollup | Number of contacts with a buying role
hs_num_open_deals | rollup | Number of open deals
num_associated_contacts | rollup | Number of Associated Contacts
num_associated_deals | rollup | Number of Associated Deals
recent_deal_amount | rollup | Recent Deal Amount
recent_deal_close_date | datetime | Recent Deal Close Date | r
total_revenue | rollup | Total Revenue
first_deal_created_date | datetime | First Deal Created Date | r
first_contact_createdate | datetime | First Contact Create Date | r
closedate | datetime | Close Date
days_to_close | number | Days to Close | r
createdate | datetime | Create Date | r
hs_createdate | datetime | Object create date/time | rh
hs_lastmodifieddate | datetime | Last Modified Date | r
{_SYSTEM}
[company_activity]
{_ACTIVITY}
"""

CONTACTS = f"""
[contactinformation]
email | text | Email
firstname | text | First Name
lastname | text | Last Name
salutation | text | Salutation
jobtitle | text | Job Title
job_function | text | Job function
seniority | text | Seniority
company | text | Company Name
phone | phone | Phone Number
mobilephone | phone | Mobile Phone Number
fax | phone | Fax Number
website | text | Website URL
address | text | Street Address
city | text | City
state | text | State/Region
zip | text | Postal Code
country | text | Country/Region
industry | text | Industry
lifecyclestage | radio | Lifecycle Stage | | {_LIFECYCLE}
hs_pipeline | external | Pipeline | h
hs_lead_status | radio | Lead Status | | NEW, OPEN, IN_PROGRESS, OPEN_DEAL, UNQUALIFIED, \
ATTEMPTED_TO_CONTACT, CONNECTED, BAD_TIMING
hs_buying_role | checkbox | Buying Role | | {_BUYING_ROLES}
hs_language | text | Preferred language
hs_timezone | text | Time Zone
hs_email_optout | bool | Unsubscribed from all email | r
hs_email_domain | text | Email Domain | r
hs_full_name_or_email | text | Full name or email | rh
hs_is_contact | bool | Is a contact | rh
hs_is_unworked | bool | Contact unworked | r
hs_all_contact_vids | checkbox | All vids for a contact | rh
hs_additional_emails | checkbox | Additional email addresses
hs_linkedin_url | text | LinkedIn URL
associatedcompanyid | company | Primary Associated Company ID | h
num_associated_deals | rollup | Number of Associated Deals
closedate | datetime | Close Date
createdate | datetime | Create Date | r
lastmodifieddate | datetime | Last Modified Date | r
hs_createdate | datetime | Object create date/time | rh
hs_lastmodifieddate | datetime | Object last modified date/time | rh
{_SYSTEM}
[contact_activity]
{_ACTIVITY}
"""

DEALS = f"""
[dealinformation]
dealname | text | Deal Name
amount | money | Amount
amount_in_home_currency | formula | Amount in company currency
deal_currency_code | choice | Currency | | USD, EUR, GBP, CHF, JPY, AUD, CAD, SEK, INR, SGD, BRL
dealstage | external | Deal Stage
pipeline | external | Pipeline
dealtype | radio | Deal Type | | newbusiness=New Business, existingbusiness=Existing Business
closedate | datetime | Close Date
createdate | datetime | Create Date
description | textarea | Deal Description
hs_next_step | textarea | Next step
hs_priority | choice | Priority | | low, medium, high
closed_lost_reason | textarea | Closed Lost Reason
closed_won_reason | textarea | Closed Won Reason
hs_is_closed | boolformula | Is Deal Closed?
hs_is_closed_won | boolformula | Is Closed Won
hs_is_closed_lost | boolformula | Is closed lost
hs_is_closed_count | formula | Is closed (numeric)
hs_deal_stage_probability | formula | Deal probability
hs_closed_amount | formula | Closed Deal Amount
hs_closed_amount_in_home_currency | formula | Closed Deal Amount In Home Currency
hs_projected_amount | formula | Deal Amount Calculation Preference
hs_forecast_amount | number | Forecast amount
hs_forecast_probability | number | Forecast probability
hs_manual_forecast_category | choice | Forecast category | | OMIT=Not forecasted, PIPELINE, \
BEST_CASE, COMMIT, CLOSED
hs_acv | money | Annual contract value
hs_arr | money | Annual recurring revenue
hs_mrr | money | Monthly recurring revenue
hs_tcv | money | Total contract value
days_to_close | number | Days to close | r
hs_days_to_close_raw | formula | Days to close (without rounding)
hs_v2_date_entered_current_stage | datetime | Date entered current stage | r
hs_is_open_count | formula | Is Open (numeric)
num_associated_contacts | rollup | Number of Associated Contacts
hs_num_associated_active_deal_registrations | rollup | Number of Active Deal Registrations
hs_createdate | datetime | HubSpot Create Date | r
hs_lastmodifieddate | datetime | Last Modified Date | r
{_SYSTEM}
[deal_activity]
{_ACTIVITY}
"""

SYSTEM = _SYSTEM
ACTIVITY = _ACTIVITY
