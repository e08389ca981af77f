"""Sentences of sales notes, plans, tickets and meetings; `{a}` to `{d}` become figures."""

from __future__ import annotations

PAIN_POINTS = (
    (
        "Month-end close takes {a} days because {b} spreadsheets are merged by hand; two audits"
        " in a row found the totals off by up to {c} %."
    ),
    (
        "Planners re-key about {d} orders a week from mail into the old ERP. Error rate {c} %, each"
        " error costs roughly {b} minutes of rework."
    ),
    (
        "No view of stock across {a} sites: they flew parts in {b} times last year at short notice,"
        " about {d} thousand in freight."
    ),
    (
        "Support answers {d} tickets a month without any routing; first reply takes {b} hours and"
        " {a} key customers complained in writing."
    ),
    (
        "Their current vendor was down {a} times in the last quarter, {b} hours in total, and the"
        " contract has no service credits."
    ),
    (
        "Field teams in {a} regions report on paper. Management sees figures {b} days late and"
        " cannot say which sites miss target."
    ),
    (
        "New joiners need {b} days until they can work alone; turnover in the warehouse is {d} % a"
        " year, so training never stops."
    ),
    (
        "Finance chases {d} overdue invoices by hand every month; days sales outstanding rose from"
        " {b} to {e} within a year."
    ),
)
PROMISED_OUTCOMES = (
    (
        "Close within {a} working days by the second quarter after go-live, with one reconciled"
        " report instead of {b} spreadsheets."
    ),
    (
        "Cut manual order entry by {d} % in the first {a} months; error rate under 1 %, measured on"
        " their own weekly report."
    ),
    "One stock view for all {a} sites by week {b}; expedited freight down by {d} % year on year.",
    "First reply under {a} hours for {d} % of tickets within {b} weeks; CSAT from 3.1 to 4.2.",
    (
        "99.9 % availability with service credits, and migration of {d} thousand records inside"
        " {b} weeks with no weekend outage."
    ),
    "Daily figures from every region by 9:00; {d} % of sites reporting within {a} weeks.",
    "Time to first solo shift from {b} to {a} days; {d} % of staff certified in six months.",
    "Days sales outstanding back under {e} by year end, that is about {d} thousand in cash freed.",
)
CONTRACT_TERMS = (
    "{term} months, billed yearly in advance, net {net}. Renewal price capped at {c} %.",
    "{term} months, quarterly invoices, net {net}; data processing addendum signed with the order.",
    "{term} months with {b} seats included, overage at list; termination for convenience excluded.",
    "{term}-month term, net {net}, liability capped at 12 months of fees, 99.9 % availability.",
)
DISCOUNTS = (
    "{c} % off list for the first term, list price from the renewal on.",
    "{c} % volume discount from {d} seats; onboarding package at half price.",
    "First {a} months at no charge because of the parallel run with the old vendor.",
    "None beyond the {c} % framework discount of the group.",
)
VERBAL_COMMITMENTS = (
    "Named contact in their time zone; I said a QBR every quarter, on site once a year.",
    "We promised the SAP connector in beta by week {b}; product knows, nothing is in writing.",
    "Price hold for {a} more sites if they sign within {b} weeks.",
    "Their COO may call our VP directly in the first {b} weeks.",
    "None",
)
SKEPTICS = (
    "{name} (IT) wanted to build it in house and will point at every delay.",
    "{name} in procurement finds us {c} % too expensive, asked for a yearly benchmark.",
    "Works council, through {name}: fears the reports are used to rate people.",
    "none",
)
CHAMPIONS = (
    "{name}, ran the pilot with {a} sites and presented the results to the board.",
    "{name}: brought us in, knows us from a former job, answers within the hour.",
    "{name}, owns the roll-out plan and has a bonus on it.",
)
BUYERS = (
    "{name}, signs up to {d} thousand alone, above that the board.",
    "{name}; cares about payback within {b} months, nothing else.",
    "{name}, took over the budget in spring, wants a figure every quarter.",
)

PLAN_OVERVIEW = (
    ("{trade} company with {a} sites and {d}0 staff; we run planning in {b} of their teams."),
    (
        "Family-owned group, {a} subsidiaries. Decisions are made by the operations board, which"
        " meets every {b} weeks."
    ),
)
PLAN_HEALTH = (
    "{d} % of seats active, no escalation in {b} weeks; the weak spot is the night shift.",
    "Usage good, relationship thin: we speak to {a} people, the budget sits elsewhere.",
)
PLAN_GOALS = (
    "Roll out to {a} further sites by year end; renewal signed {b} days before it is due.",
    "From {b} to {e} active planners; reference visit for the group's other divisions.",
)
PLAN_ACTIONS = (
    "{am}: executive review with the COO by week {a}. {am}: usage report per site by week {b}.",
    "{am}: night shift trained within {b} days. Customer IT: single sign-on live by week {a}.",
)
PLAN_METRICS = (
    "Error rate under {c} %, {d} % weekly active users, stock view for all {a} sites.",
    "Close in {a} days; NPS above {b}; no more than {a} urgent tickets a quarter.",
)

TICKETS = (
    "Export stops after 10,000 rows",
    "Single sign-on asks twice",
    "Two users see another team's dashboard",
    "Import rejects dates before 2000",
    "Invoice shows the wrong cost centre",
    "Nightly job did not run",
    "Report totals differ from the ERP",
    "Password reset mail does not arrive",
)
SUBJECTS = {
    "meeting": ("Steering meeting", "Roll-out workshop", "Review of open points"),
    "call": ("Weekly call", "Call about seats", "Call: budget for next year"),
    "email_in": ("Re: training dates", "Question about the invoice", "Fwd: figures for the board"),
    "email_out": ("Notes from our call", "Release notes", "Dates for the review"),
    "qbr": ("Quarterly business review",),
}
PRODUCTS = ("Planning", "Stock View", "Order Desk", "Field Reports", "Close Suite")
EXTRAS = ("more seats", "second site", "analytics add-on", "API package", "night shift")
