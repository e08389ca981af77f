"""HubSpot's own properties of objects that each portal has and few clients fill.

They are here so that a client which asks about every object gets an answer; the lists are short
and taken from the object pages at https://developers.hubspot.com/docs/api-reference.
"""

from __future__ import annotations

from connectors.hubspot.sandbox.catalogue_sales import SYSTEM

_DATES = """
hs_createdate | datetime | Object create date/time | r
hs_lastmodifieddate | datetime | Object last modified date/time | r
"""

COMMUNICATIONS = f"""
[communication]
hs_communication_channel_type | choice | Channel type | | WHATS_APP, LINKEDIN_MESSAGE, SMS
hs_communication_logged_from | text | Logged from
hs_communication_body | html | Communication body
hs_timestamp | datetime | Activity date
{_DATES}{SYSTEM}
"""
POSTAL_MAIL = f"""
[postal_mail]
hs_postal_mail_body | html | Postal mail body
hs_timestamp | datetime | Activity date
{_DATES}{SYSTEM}
"""
QUOTES = f"""
[quote]
hs_title | text | Name
hs_status | choice | Quote status | | DRAFT, APPROVAL_NOT_NEEDED, \
PENDING_APPROVAL, APPROVED, REJECTED
hs_expiration_date | datetime | Expiration date
hs_quote_amount | money | Quote amount
hs_currency | text | Currency
{_DATES}{SYSTEM}
"""
LEADS = f"""
[leadinformation]
hs_lead_name | text | Lead name
hs_lead_type | choice | Lead type | | NEW_BUSINESS, UPSELL, RE_ATTEMPTING
hs_lead_label | choice | Lead label | | HOT, WARM, COLD
{_DATES}{SYSTEM}
"""
GOALS = f"""
[goal]
hs_goal_name | text | Goal name
hs_target_amount | number | Target amount
hs_start_datetime | datetime | Start date
hs_end_datetime | datetime | End date
{_DATES}{SYSTEM}
"""
FEEDBACK = f"""
[feedback]
hs_survey_name | text | Survey name
hs_survey_type | choice | Survey type | | NPS, CSAT, CES, CUSTOM
hs_content | textarea | Response
hs_value | number | Rating
hs_submission_timestamp | datetime | Submission date
{_DATES}{SYSTEM}
"""
SPLITS = f"""
[deal_split]
hs_deal_split_percentage | number | Split percentage
hs_deal_split_amount | money | Split amount
{_DATES}{SYSTEM}
"""
FORMS = f"""
[form]
hs_form_id | text | Form ID
hs_form_type | text | Form type
hs_name | text | Name
{_DATES}{SYSTEM}
"""
