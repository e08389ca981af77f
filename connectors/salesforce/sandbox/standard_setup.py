"""The standard objects of an org's setup: users, groups, permissions, record types, stages.

After the Object Reference; only the fields that a client of the data has a use for.
"""

from __future__ import annotations

USER = """
Username:string:80:CUFSGLA:Username:unique=1
LastName:string:80:CUFSGA:Last Name:of=Name:extra=personname
FirstName:string:40::First Name:of=Name:extra=personname:perm=0
Name:string:121:FSGAP:Full Name:extra=personname
CompanyName:string:80::Company Name:perm=0
Division:string:80::Division:perm=0
Department:string:80::Department:perm=0
Title:string:80::Title:perm=0
Email:email:128:CUFSGLA:Email
Phone:phone:40::Phone:perm=0
MobilePhone:phone:40::Cell:perm=0
Alias:string:8:CUFSGA:Alias
CommunityNickname:string:40:CUFSGA:Nickname
IsActive:boolean:::Active
TimeZoneSidKey:picklist::CUFSGAR:Time Zone:values=America/Los_Angeles;America/New_York;\
Europe/London;Europe/Berlin;Asia/Tokyo;GMT
UserRoleId:reference:::Role ID:to=UserRole:rel=UserRole:perm=0
LocaleSidKey:picklist::CUFSGAR:Locale:values=en_US;en_GB;de_DE
EmailEncodingKey:picklist::CUFSGAR:Email Encoding:values=UTF-8;ISO-8859-1
ProfileId:reference::CUFSGA:Profile ID:to=Profile:rel=Profile
UserType:picklist::NFSGAR:User Type:values=Standard;PowerPartner;CspLitePortal;Guest
LanguageLocaleKey:picklist::CUFSGAR:Language:values=en_US;de;fr
EmployeeNumber:string:20::Employee Number:perm=0
ManagerId:reference:::Manager ID:to=User:rel=Manager:child=ManagedUsers:perm=0
LastLoginDate:datetime::NFSA:Last Login
AccountId:reference::NFSGA:Account ID:to=Account:rel=Account
ContactId:reference::NFSGA:Contact ID:to=Contact:rel=Contact
FederationIdentifier:string:512::SAML Federation ID:perm=0
"""

GROUP = """
Name:string:40:CUFSGAP:Name
DeveloperName:string:80:CUNFSGA:Developer Name:perm=0
RelatedId:reference::NFSGA:Related ID:to=User;UserRole:rel=Related
Type:picklist::CFSGAR:Type:values=Regular;Role;RoleAndSubordinates;Queue;Organization
Email:email:255::Email:perm=0
OwnerId:reference::DFSGA:Owner ID:to=User:rel=Owner
DoesSendEmailToMembers:boolean:::Send Email to Members
DoesIncludeBosses:boolean:::Include Bosses
"""

PROFILE = """
Name:string:255:CUFSGAP:Name
UserType:picklist::NFSGAR:User Type:values=Standard;Guest
Description:string:255::Description:perm=0
"""

PERMISSION_SET = """
Name:string:80:CUFSGAP:Permission Set Name
Label:string:80:CUFSGA:Permission Set Label
LicenseId:reference::CUNFSGA:License ID:to=PermissionSetLicense:rel=License:perm=0
ProfileId:reference::NFSGA:Profile ID:to=Profile:rel=Profile
IsOwnedByProfile:boolean::DFSG:Is Owned By Profile
IsCustom:boolean::DFSG:Is Custom
PermissionsApiEnabled:boolean:::API Enabled
PermissionsModifyAllData:boolean:::Modify All Data
PermissionsViewAllData:boolean:::View All Data
PermissionsViewSetup:boolean:::View Setup and Configuration
Description:string:255::Description:perm=0
Type:picklist::DFSGAR:Type:values=Regular;Profile;Group;Session:default=Regular
NamespacePrefix:string:15:NFSGA:Namespace Prefix
HasActivationRequired:boolean::CUDFSG:Session Activation Required
"""

PERMISSION_SET_ASSIGNMENT = """
PermissionSetId:reference::CFSGA:PermissionSet ID:to=PermissionSet:rel=PermissionSet:\
child=Assignments
AssigneeId:reference::CFSGA:Assignee ID:to=User:rel=Assignee:child=PermissionSetAssignments
PermissionSetGroupId:reference::NFSGA:PermissionSetGroup ID:to=PermissionSetGroup
IsActive:boolean::DFSG:Is Active
"""

FIELD_PERMISSIONS = """
ParentId:reference::CFSGA:Parent ID:to=PermissionSet:rel=Parent:child=FieldPerms
SobjectType:picklist::CFSGAR:SObject Type
Field:picklist:255:CFSGAR:Field Name
PermissionsRead:boolean:::Read Field
PermissionsEdit:boolean:::Edit Field
"""

OBJECT_PERMISSIONS = """
ParentId:reference::CFSGA:Parent ID:to=PermissionSet:rel=Parent:child=ObjectPerms
SobjectType:picklist::CFSGAR:SObject Type
PermissionsCreate:boolean:::Create Records
PermissionsRead:boolean:::Read Records
PermissionsEdit:boolean:::Edit Records
PermissionsDelete:boolean:::Delete Records
PermissionsViewAllRecords:boolean:::View All Records
PermissionsModifyAllRecords:boolean:::Modify All Records
"""

RECORD_TYPE = """
Name:string:80:CUFSGAP:Name
DeveloperName:string:80:CUFSGA:Record Type Name
NamespacePrefix:string:15:NFSGA:Namespace Prefix
Description:string:255::Description:perm=0
SobjectType:picklist::CFSGAR:SObject Type Name
IsActive:boolean:::Active
"""

USER_ROLE = """
Name:string:80:CUFSGAP:Name
ParentRoleId:reference:::Parent Role ID:to=UserRole:perm=0
DeveloperName:string:80:CUNFSGA:Developer Name:perm=0
"""

ORGANIZATION = """
Name:string:80:UFSGAP:Name
Division:string:80:UNFSGA:Division:perm=0
Country:string:80:UNFSGA:Country:perm=0
DefaultLocaleSidKey:picklist::UFSGAR:Locale:values=en_US;en_GB;de_DE
TimeZoneSidKey:picklist::UFSGAR:Time Zone:values=America/Los_Angeles;Europe/London;GMT
LanguageLocaleKey:picklist::UFSGAR:Language:values=en_US;de;fr
FiscalYearStartMonth:int::NFSGA:Fiscal Year Starts In
OrganizationType:picklist::NFSGAR:Edition:values=Developer Edition;Enterprise Edition;\
Unlimited Edition
InstanceName:string:5:NFSGA:Instance Name
IsSandbox:boolean::DFSG:Is Sandbox
NamespacePrefix:string:15:NFSGA:Namespace Prefix
TrialExpirationDate:datetime::NFSA:Trial Expiration Date
"""

OPPORTUNITY_STAGE = """
MasterLabel:string:255:FSGAP:Master Label
ApiName:string:255:NFSGA:API Name
IsActive:boolean::DFSG:Is Active
SortOrder:int::NFSGA:Sort Order
IsClosed:boolean::DFSG:Closed
IsWon:boolean::DFSG:Won
ForecastCategory:picklist::FSGAR:Forecast Category:values=Omitted;Pipeline;BestCase;MostLikely;\
Forecast;Closed
ForecastCategoryName:picklist:255:FSGAR:Forecast Category Name:values=Omitted;Pipeline;Best Case;\
Commit;Closed
DefaultProbability:percent:3,0:NFSA:Probability (%)
Description:string:255:NFSGA:Description
"""

DUPLICATE_RULE = """
DeveloperName:string:80:FSGA:Object Name
Language:picklist:40:FSGAR:Master Language:values=en_US;de;fr
MasterLabel:string:80:FSGAP:Rule Name
NamespacePrefix:string:15:NFSGA:Namespace Prefix
SobjectType:picklist:40:FSGAR:Custom Object Definition ID
SobjectSubtype:picklist:255:NFSGAR:Object Subtype:values=None;PersonAccount
IsActive:boolean::DFSG:Active
LastViewedDate:datetime::NFSA:Last Viewed Date
"""

TASK_STATUS = """
MasterLabel:string:255:FSGAP:Master Label
ApiName:string:255:NFSGA:API Name
SortOrder:int::NFSGA:Sort Order
IsDefault:boolean::DFSG:Is Default
IsClosed:boolean::DFSG:Closed
"""

CURRENCY_TYPE = """
IsoCode:string:3:CFSGAP:Currency ISO Code:unique=1
ConversionRate:double:18,6:CUFSA:Conversion Rate
DecimalPlaces:int::CUFSGA:Decimal Places
IsActive:boolean:::Active
IsCorporate:boolean:::Corporate Currency
"""
