"""The standard sales objects: Account, Contact, Opportunity and its contact roles, Contract.

Names, types, lengths and flags of all but Contract are as a real org describes them; Contract
follows the Object Reference.
"""

from __future__ import annotations

ACCURACY = (
    "values=Address;NearAddress;Block;Street;ExtendedZip;Zip;Neighborhood;City;County;State;Unknown"
)
CLEAN = "values=Matched;Different;Acknowledged;NotFound;Inactive;Pending;SelectMatch;Skipped"
SOURCES = "values=Web;Phone Inquiry;Partner Referral;Purchased List;Other"


def address(kind: str) -> str:
    """The nine fields of an address, such as ``Billing``."""
    of = f"of={kind}Address"
    return f"""
{kind}Street:textarea:255::{kind} Street:{of}:extra=plaintextarea
{kind}City:string:40::{kind} City:{of}
{kind}State:string:80::{kind} State/Province:{of}
{kind}PostalCode:string:20::{kind} Zip/Postal Code:{of}
{kind}Country:string:80::{kind} Country:{of}
{kind}Latitude:double:18,15::{kind} Latitude:{of}
{kind}Longitude:double:18,15::{kind} Longitude:{of}
{kind}GeocodeAccuracy:picklist::CUNFSGAR:{kind} Geocode Accuracy:{ACCURACY}:{of}
{kind}Address:address:::{kind} Address:perm=1
""".strip()


ACCOUNT = f"""
MasterRecordId:reference::NFSGA:Master Record ID:to=Account:rel=MasterRecord
Name:string:255:CUFSGAP:Account Name:of=Name:extra=switchablepersonname
Type:picklist:::Account Type:values=Prospect;Customer - Direct;Customer - Channel;\
Channel Partner / Reseller;Installation Partner;Technology Partner;Other
RecordTypeId:reference:::Record Type ID:to=RecordType:rel=RecordType:perm=0
ParentId:reference:::Parent Account ID:to=Account:rel=Parent:child=ChildAccounts
{address("Billing")}
{address("Shipping")}
Phone:phone:40::Account Phone
Fax:phone:40::Account Fax
AccountNumber:string:40::Account Number
Website:url:255::Website
PhotoUrl:url:255:NFSGA:Photo URL:extra=imageurl
Sic:string:20::SIC Code
Industry:picklist:::Industry:values=Agriculture;Apparel;Banking;Biotechnology;Chemicals;\
Communications;Construction;Consulting;Education;Electronics;Energy;Engineering;Entertainment;\
Environmental;Finance;Food & Beverage;Government;Healthcare;Hospitality;Insurance;Machinery;\
Manufacturing;Media;Not For Profit;Recreation;Retail;Shipping;Technology;Telecommunications;\
Transportation;Utilities;Other
AnnualRevenue:currency:18,0::Annual Revenue
NumberOfEmployees:int:::Employees
Ownership:picklist:::Ownership:values=Public;Private;Subsidiary;Other
TickerSymbol:string:20::Ticker Symbol
Description:textarea:32000::Account Description:extra=plaintextarea
Rating:picklist:::Account Rating:values=Hot;Warm;Cold
Site:string:80::Account Site
OwnerId:reference::CUDFSGA:Owner ID:to=User:rel=Owner
LastActivityDate:date::NFSGA:Last Activity
IsPartner:boolean::UDFSG:Partner Account
IsCustomerPortal:boolean::UDFSG:Customer Portal Account
ChannelProgramName:string:255:NGA:Channel Program Name
ChannelProgramLevelName:string:255:NGA:Channel Program Level Name
CleanStatus:picklist::CUNFSGAR:Clean Status:{CLEAN}
AccountSource:picklist:::Account Source:{SOURCES}
DunsNumber:string:9::D-U-N-S Number
Tradestyle:string:255::Tradestyle
NaicsCode:string:8::NAICS Code
NaicsDesc:string:120::NAICS Description
YearStarted:string:4::Year Started
SicDesc:string:80::SIC Description
"""

CONTACT = f"""
MasterRecordId:reference::NFSGA:Master Record ID:to=Contact:rel=MasterRecord
AccountId:reference:::Account ID:to=Account:rel=Account:child=Contacts
LastName:string:80:CUFSGA:Last Name:of=Name:extra=personname
FirstName:string:40::First Name:of=Name:extra=personname:perm=0
Salutation:picklist:::Salutation:values=Mr.;Ms.;Mrs.;Dr.;Prof.:of=Name:extra=personname:perm=0
Name:string:121:FSGAP:Full Name:extra=personname
{address("Other")}
{address("Mailing")}
Phone:phone:40::Business Phone
Fax:phone:40::Business Fax
MobilePhone:phone:40::Mobile Phone
HomePhone:phone:40::Home Phone
OtherPhone:phone:40::Other Phone
AssistantPhone:phone:40::Asst. Phone
ReportsToId:reference:::Reports To ID:to=Contact:rel=ReportsTo
Email:email:80:CUNFSGLA:Email
Title:string:128::Title
Department:string:80::Department
AssistantName:string:40::Assistant's Name
LeadSource:picklist:255::Lead Source:{SOURCES}
Birthdate:date:::Birthdate
Description:textarea:32000::Contact Description:extra=plaintextarea
OwnerId:reference::CUDFSGA:Owner ID:to=User:rel=Owner
LastActivityDate:date::NFSGA:Last Activity
LastCURequestDate:datetime::NFSA:Last Stay-in-Touch Request Date
LastCUUpdateDate:datetime::NFSA:Last Stay-in-Touch Save Date
EmailBouncedReason:string:255::Email Bounced Reason:perm=0
EmailBouncedDate:datetime:::Email Bounced Date:perm=0
IsEmailBounced:boolean::DFSG:Is Email Bounced
PhotoUrl:url:255:NFSGA:Photo URL:extra=imageurl
CleanStatus:picklist::CUNFSGAR:Clean Status:{CLEAN}
"""

STAGES: tuple[tuple[str, int, str, str], ...] = (
    ("Prospecting", 10, "Pipeline", "open"),
    ("Qualification", 10, "Pipeline", "open"),
    ("Needs Analysis", 20, "Pipeline", "open"),
    ("Value Proposition", 50, "Pipeline", "open"),
    ("Id. Decision Makers", 60, "Pipeline", "open"),
    ("Perception Analysis", 70, "Pipeline", "open"),
    ("Proposal/Price Quote", 75, "Pipeline", "open"),
    ("Negotiation/Review", 90, "Pipeline", "open"),
    ("Closed Won", 100, "Closed", "won"),
    ("Closed Lost", 0, "Omitted", "lost"),
)

OPPORTUNITY = f"""
AccountId:reference:::Account ID:to=Account:rel=Account:child=Opportunities
IsPrivate:boolean:::Private:perm=1
Name:string:120:CUFSGLAP:Name
Description:textarea:32000::Description:extra=plaintextarea
StageName:picklist:255:CUFSGA:Stage:values={";".join(stage[0] for stage in STAGES)}
Amount:currency:18,2::Amount
Probability:percent:3,0:CUNDFSA:Probability (%)
ExpectedRevenue:currency:18,2:NFSA:Expected Amount:perm=1
TotalOpportunityQuantity:double:18,2::Quantity
CloseDate:date::CUFSGA:Close Date
Type:picklist:255::Opportunity Type:values=Existing Customer - Upgrade;\
Existing Customer - Replacement;Existing Customer - Downgrade;Existing Customer - Renewal;\
New Customer
NextStep:string:255::Next Step
LeadSource:picklist:255::Lead Source:{SOURCES}
IsClosed:boolean::DFSG:Closed
IsWon:boolean::DFSG:Won
ForecastCategory:picklist::FSGAR:Forecast Category:values=Omitted;Pipeline;BestCase;MostLikely;\
Forecast;Closed
ForecastCategoryName:picklist:255:CUNDFSGAR:Forecast Category:values=Omitted;Pipeline;Best Case;\
Commit;Closed:perm=0
HasOpportunityLineItem:boolean::DFSG:Has Line Item
OwnerId:reference::CUDFSGA:Owner ID:to=User:rel=Owner
LastActivityDate:date::NFSGA:Last Activity
LastStageChangeDate:datetime::NFSA:Last Stage Change Date
FiscalQuarter:int::NFSGA:Fiscal Quarter:of=Fiscal
FiscalYear:int::NFSGA:Fiscal Year:of=Fiscal
Fiscal:string:6:NFSGA:Fiscal Period
ContactId:reference::CNFSGA:Contact ID:to=Contact:perm=0:child=Opportunities
ContractId:reference:::Contract ID:to=Contract:rel=Contract:child=Opportunities
HasOpenActivity:boolean::DG:Has Open Activity
HasOverdueTask:boolean::DG:Has Overdue Task
"""

OPPORTUNITY_CONTACT_ROLE = """
OpportunityId:reference::CFSGA:Opportunity ID:to=Opportunity:rel=Opportunity:\
child=OpportunityContactRoles
ContactId:reference::CUFSGA:Contact ID:to=Contact:rel=Contact:child=OpportunityContactRoles
Role:picklist:::Role:values=Business User;Decision Maker;Economic Buyer;Economic Decision Maker;\
Evaluator;Executive Sponsor;Influencer;Technical Buyer;Other:perm=0
IsPrimary:boolean:::Primary
"""

CONTRACT = f"""
AccountId:reference::CUFSGA:Account ID:to=Account:rel=Account:child=Contracts
OwnerExpirationNotice:picklist::CUNFSGAR:Owner Expiration Notice:values=15;30;45;60;90;120
StartDate:date:::Contract Start Date
EndDate:date::NFSGA:Contract End Date
{address("Billing")}
ContractTerm:int:::Contract Term
OwnerId:reference::CUDFSGA:Owner ID:to=User:rel=Owner
Status:picklist::CUDFSGA:Status:values=In Approval Process;Activated;Draft:default=Draft:perm=0
CompanySignedId:reference:::Company Signed By ID:to=User:rel=CompanySigned
CompanySignedDate:date:::Company Signed Date
CustomerSignedId:reference:::Customer Signed By ID:to=Contact:rel=CustomerSigned:\
child=ContractsSigned
CustomerSignedTitle:string:40::Customer Signed Title
CustomerSignedDate:date:::Customer Signed Date
SpecialTerms:textarea:4000:CUN:Special Terms:extra=plaintextarea
ActivatedById:reference::NFSGA:Activated By ID:to=User:rel=ActivatedBy
ActivatedDate:datetime::NFSA:Activated Date
StatusCode:picklist::FSGAR:Status Category:values=Draft;InApproval;Activated
Description:textarea:32000::Description:extra=plaintextarea
Name:string:80::Contract Name
ContractNumber:string:30:DFSLAMP:Contract Number
LastApprovedDate:datetime::NFSA:Last Approved Date
LastActivityDate:date::NFSGA:Last Activity
"""
