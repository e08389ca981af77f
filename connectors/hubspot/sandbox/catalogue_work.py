"""HubSpot's own properties of the other objects, as far as the sandbox has them."""

from __future__ import annotations

from connectors.hubspot.sandbox.catalogue_sales import ACTIVITY, SYSTEM

_DATES = """
hs_createdate | datetime | Object create date/time | r
hs_lastmodifieddate | datetime | Object last modified date/time | r
"""
_ENGAGEMENT = f"""
hs_timestamp | datetime | Activity date
hs_activity_type | text | Activity type
hs_attachment_ids | checkbox | Attached file IDs
hs_engagement_source | text | Engagement source | rh
hs_body_preview | text | Body preview | r
{_DATES}{SYSTEM}
"""

TICKETS = f"""
[ticketinformation]
subject | text | Ticket name
content | textarea | Ticket description
hs_pipeline | external | Pipeline
hs_pipeline_stage | external | Ticket status
hs_ticket_priority | choice | Priority | | LOW, MEDIUM, HIGH, URGENT
hs_ticket_category | checkbox | Category | | PRODUCT_ISSUE, BILLING_ISSUE, FEATURE_REQUEST, \
GENERAL_INQUIRY
hs_ticket_id | number | Ticket ID | r
hs_resolution | choice | Resolution | | ISSUE_FIXED, FEATURE_REQUEST, CANNOT_REPRODUCE, OTHER
source_type | choice | Source | | CHAT, EMAIL, FORM, PHONE
createdate | datetime | Create date
closed_date | datetime | Close date
time_to_close | number | Time to close | r
first_agent_reply_date | datetime | First agent email response date
hs_is_closed | boolformula | Is closed
hs_v2_date_entered_current_stage | datetime | Date entered current stage | r
num_associated_companies | rollup | Number of associated companies
{_DATES}{SYSTEM}
[ticket_activity]
{ACTIVITY}
"""
TASKS = f"""
[task]
hs_task_subject | text | Task title
hs_task_body | html | Task notes
hs_task_status | choice | Task status | | NOT_STARTED, IN_PROGRESS, WAITING, COMPLETED, DEFERRED
hs_task_priority | choice | Priority | | NONE, LOW, MEDIUM, HIGH
hs_task_type | choice | Task type | | TODO=To-do, CALL, EMAIL, LINKED_IN, MEETING
hs_task_reminders | text | Reminders
hs_task_relative_reminders | text | Relative reminders
hs_task_completion_date | datetime | Completed at | r
hs_task_completion_count | number | Completion count | r
hs_task_is_completed | number | Is completed | r
hs_task_is_all_day | bool | All day
hs_queue_membership_ids | checkbox | Queue
{_ENGAGEMENT}
"""
MEETINGS = f"""
[meeting]
hs_meeting_title | text | Meeting name
hs_meeting_body | html | Meeting description
hs_internal_meeting_notes | html | Internal meeting notes
hs_meeting_external_url | text | External URL
hs_meeting_location | text | Location
hs_meeting_start_time | datetime | Start time
hs_meeting_end_time | datetime | End time
hs_meeting_outcome | choice | Meeting outcome | | SCHEDULED, COMPLETED, RESCHEDULED, NO_SHOW, \
CANCELED
{_ENGAGEMENT}
"""
CALLS = f"""
[call]
hs_call_title | text | Call title
hs_call_body | html | Call notes
hs_call_direction | choice | Direction | | INBOUND, OUTBOUND
hs_call_disposition | text | Call outcome
hs_call_duration | number | Call duration
hs_call_status | choice | Status | | COMPLETED, CANCELED, NO_ANSWER, BUSY, FAILED
hs_call_from_number | phone | From number
hs_call_to_number | phone | To number
{_ENGAGEMENT}
"""
EMAILS = f"""
[email]
hs_email_subject | text | Email subject
hs_email_text | textarea | Email body
hs_email_html | html | Email body as HTML
hs_email_direction | choice | Direction | | EMAIL, INCOMING_EMAIL, FORWARDED_EMAIL
hs_email_status | choice | Send status | | SENT, SENDING, SCHEDULED, FAILED, BOUNCED
hs_email_from_email | text | From address
hs_email_to_email | text | To address
{_ENGAGEMENT}
"""
NOTES = f"""
[note]
hs_note_body | html | Note body
{_ENGAGEMENT}
"""
PRODUCTS = f"""
[productinformation]
name | text | Name
description | textarea | Product description
hs_sku | text | SKU
price | money | Unit price
hs_cost_of_goods_sold | money | Unit cost
hs_recurring_billing_period | text | Term
recurringbillingfrequency | choice | Billing frequency | | annually, monthly, quarterly, \
per_six_months, per_two_years, per_three_years
createdate | datetime | Create Date | r
{_DATES}{SYSTEM}
"""
LINE_ITEMS = f"""
[lineiteminformation]
name | text | Name
description | textarea | Description
hs_product_id | number | Product ID
hs_sku | text | SKU
quantity | number | Quantity
price | money | Unit price
amount | formula | Net price
discount | money | Unit discount
hs_line_item_currency_code | choice | Currency | | USD, EUR, GBP, CHF, JPY, AUD, CAD, SEK, INR, \
SGD, BRL
hs_recurring_billing_start_date | date | Billing start date
hs_recurring_billing_end_date | date | Billing end date | r
hs_recurring_billing_period | text | Term
hs_recurring_billing_number_of_payments | number | Number of payments
hs_term_in_months | formula | Term (months)
recurringbillingfrequency | choice | Billing frequency | | annually, monthly, quarterly, \
per_six_months, per_two_years, per_three_years
hs_arr | formula | Annual recurring revenue
hs_mrr | formula | Monthly recurring revenue
hs_acv | formula | Annual contract value
hs_tcv | formula | Total contract value
createdate | datetime | Create Date | r
{_DATES}{SYSTEM}
"""
SERVICES = f"""
[service_information]
hs_name | text | Name
hs_description | textarea | Description
hs_category | choice | Category | | onboarding, implementation, support, training
hs_pipeline | external | Pipeline
hs_pipeline_stage | external | Stage
hs_status | choice | Status | | on_track, at_risk, delayed, blocked
hs_start_date | datetime | Start date
hs_target_end_date | datetime | Target end date
hs_close_date | datetime | Close date
hs_total_cost | money | Total cost
hs_amount_paid | money | Amount paid
{_DATES}{SYSTEM}
"""
CONTRACTS = f"""
[contract_information]
hs_name | text | Contract name
hs_currency_code | choice | Currency | | USD, EUR, GBP, CHF, JPY, AUD, CAD, SEK, INR, SGD, BRL
hs_contract_effective_date | date | Effective date
hs_start_date | date | Start date
hs_end_date | date | End date
hs_status | choice | Status | | ACTIVE, COMPLETED, DRAFT, PAUSED, TERMINATED
{_DATES}{SYSTEM}
"""
CUSTOM = """
hs_object_id | number | Record ID | r
hs_createdate | datetime | Object create date/time | r
hs_lastmodifieddate | datetime | Object last modified date/time | r
hs_object_source | text | Record source | rh
hs_object_source_id | text | Record source ID | rh
hs_object_source_label | text | Record source label | r
hs_merged_object_ids | checkbox | Merged record IDs | r
hubspot_owner_id | owner | Owner
hubspot_owner_assigneddate | datetime | Owner assigned date | r
"""
