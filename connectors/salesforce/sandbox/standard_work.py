"""The standard objects of daily work: Case, Task and Event.

Case and Event are as a real org describes them; Task follows the Object Reference.
"""

from __future__ import annotations

CASE = """
MasterRecordId:reference::NFSGA:Master Record ID:to=Case:rel=MasterRecord
CaseNumber:string:30:DFSLAMP:Case Number
ContactId:reference:::Contact ID:to=Contact:rel=Contact:child=Cases
AccountId:reference:::Account ID:to=Account:rel=Account:child=Cases
ParentId:reference:::Parent Case ID:to=Case:rel=Parent:child=Cases
SuppliedName:string:80::Name
SuppliedEmail:email:80::Email Address
SuppliedPhone:string:40::Phone
SuppliedCompany:string:80::Company
Type:picklist:::Case Type:values=Mechanical;Electrical;Electronic;Structural;Other
Status:picklist::CUNDFSGA:Status:values=New;Working;Escalated;Closed:default=New:perm=0
Reason:picklist:::Case Reason:values=Installation;Equipment Complexity;Performance;Breakdown;\
Equipment Design;Feedback;Other
Origin:picklist:::Case Origin:values=Phone;Email;Web
Subject:string:255::Subject
Priority:picklist::CUNDFSGA:Priority:values=High;Medium;Low:default=Medium
Description:textarea:32000::Description:extra=plaintextarea
IsClosed:boolean::DFSG:Closed
ClosedDate:datetime::NFSA:Closed Date:perm=1
IsEscalated:boolean:::Escalated:perm=1
OwnerId:reference::CUDFSGA:Owner ID:to=Group;User:rel=Owner
ContactPhone:phone:40:NFSGA:Contact Phone
ContactMobile:phone:40:NFSGA:Contact Mobile
ContactEmail:email:80:NFSGA:Contact Email
ContactFax:phone:40:NFSGA:Contact Fax
Comments:textarea:4000:CUNSA:Internal Comments:extra=plaintextarea:perm=0
"""

TASK = """
WhoId:reference:::Name ID:to=Contact;Lead:rel=Who:child=Tasks
WhatId:reference:::Related To ID:to=Account;Opportunity;Contract;Case;Asset:rel=What:child=Tasks
Subject:combobox:255:CUNFSAP:Subject:values=Call;Send Letter;Send Quote;Other:perm=0
ActivityDate:date:::Due Date Only:perm=0
Status:picklist::CUDFSGA:Status:values=Not Started;In Progress;Completed;\
Waiting on someone else;Deferred:default=Not Started:perm=0
Priority:picklist::CUDFSGA:Priority:values=High;Normal;Low:default=Normal:perm=0
IsHighPriority:boolean::DFSG:High Priority
OwnerId:reference::CUDFSGA:Assigned To ID:to=Group;User:rel=Owner
Description:textarea:32000::Description:extra=plaintextarea
Type:picklist:::Type:values=Call;Meeting;Email;Other:perm=0
AccountId:reference::NFSGA:Account ID:to=Account:rel=Account
IsClosed:boolean::DFSG:Closed
IsArchived:boolean::DFSG:Archived
CallDurationInSeconds:int:::Call Duration:perm=0
CallType:picklist::CUNFSGAR:Call Type:values=Internal;Inbound;Outbound:perm=0
CallDisposition:string:255::Call Result:perm=0
ReminderDateTime:datetime:::Reminder Date/Time:perm=0
IsReminderSet:boolean:::Reminder Set
IsRecurrence:boolean::CDFSG:Create Recurring Series of Tasks
TaskSubtype:picklist::CNFSGAR:Task Subtype:values=Task;Email;ListEmail;Cadence;Call;\
LinkedIn:perm=0
CompletedDateTime:datetime::NFSA:Completed Date
"""

EVENT = """
WhoId:reference:::Name ID:to=Contact;Lead:rel=Who:child=Events
WhatId:reference:::Related To ID:to=Account;Opportunity;Contract;Case;Asset:rel=What:child=Events
Subject:combobox:255:CUNFSAP:Subject:values=Call;Email;Meeting;Send Letter/Quote;Other:perm=0
Location:string:255::Location
IsAllDayEvent:boolean:::All-Day Event:perm=1
ActivityDateTime:datetime:::Due Date Time:perm=0
ActivityDate:date::CUNFSG:Due Date Only:perm=0
DurationInMinutes:int:::Duration:perm=0
StartDateTime:datetime:::Start Date Time:perm=0
EndDateTime:datetime:::End Date Time:perm=0
EndDate:date::NFSGA:End Date
Description:textarea:32000::Description:extra=plaintextarea
AccountId:reference::NFSGA:Account ID:to=Account:rel=Account
OwnerId:reference::CUDFSGA:Assigned To ID:to=Calendar;User:rel=Owner
IsPrivate:boolean:::Private
ShowAs:picklist::CUNDFSGAR:Show Time As:values=Busy;OutOfOffice;Free:default=Busy:perm=0
IsChild:boolean::DFSG:Is Child
IsGroupEvent:boolean::DFSG:Is Group Event
IsArchived:boolean::DFSG:Archived
ReminderDateTime:datetime:::Reminder Date/Time:perm=0
IsReminderSet:boolean:::Reminder Set
EventSubtype:picklist::CNFSGAR:Event Subtype:values=Event:perm=0
"""

ASSET = """
ContactId:reference:::Contact ID:to=Contact:rel=Contact:child=Assets
AccountId:reference:::Account ID:to=Account:rel=Account:child=Assets
Name:string:255:CUFSGAP:Asset Name
SerialNumber:string:80::Serial Number
InstallDate:date:::Install Date
PurchaseDate:date:::Purchase Date
UsageEndDate:date:::Usage End Date
Status:picklist:::Status:values=Shipped;Installed;Registered;Obsolete;Purchased:perm=0
Price:currency:18,0::Price
Quantity:double:18,2::Quantity
Description:textarea:32000::Description:extra=plaintextarea
OwnerId:reference::CUDFSGA:Asset Owner ID:to=User:rel=Owner
"""
