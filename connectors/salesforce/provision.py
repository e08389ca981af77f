"""Provisioning: the custom fields, one permission set, its field rights, one assignment.

Only what is missing is made, and nothing that exists is changed, so twice is once. Fields go
through the Tooling API; a field made so is hidden from everyone until the permission set shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
from simple_salesforce.api import Salesforce

from connectors.salesforce import fields, soql
from connectors.salesforce.describe import Describes
from connectors.salesforce.fields import PERMISSION_SET
from connectors.salesforce.session import Session
from syncd.connector import FieldSpec, ProvisionStep
from syncd.errors import AccessError, RequestError, TransientError, UnreachableError
from syncd.retry import retrying

DUPLICATE_CODES = {"DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"}
DESCRIPTION = "What syncd reads and writes. Made by syncd; assigned to its integration user only."

Step = ProvisionStep


def provision(
    session: Session, describes: Describes, specs: Sequence[FieldSpec], *, apply: bool
) -> Iterator[ProvisionStep]:
    """The steps that are missing, in order; with `apply` each is made before it is yielded.

    A step that Salesforce refuses bears the refusal in `error`, and the others go on.
    """
    return _Provisioning(session, describes, apply).steps(fields.distinct(specs))


class _Provisioning:
    def __init__(self, session: Session, describes: Describes, apply: bool) -> None:
        self._session = session
        self._describes = describes
        self._apply = apply

    def steps(self, specs: Sequence[FieldSpec]) -> Iterator[Step]:
        lacking = self._lacking(specs)
        made: set[str] = set()
        if lacking:
            made = yield from self._fields(lacking)
        try:
            yield from self._access(lacking, made)
        except (AccessError, RequestError) as error:
            if not self._lacking(specs):
                return  # the login sees everything all the same
            text = f'permission set "{PERMISSION_SET}"'
            told = f"{error} Give the integration user read and edit access to the fields by hand."
            yield Step("permission_set", PERMISSION_SET, text, error=told)

    def _access(self, lacking: Sequence[FieldSpec], made: set[str]) -> Iterator[Step]:
        if not lacking:
            permission_set = self._permission_set_id()
            if permission_set:
                yield from self._assignment(permission_set)
            return
        permission_set = yield from self._permission_set()
        if self._apply and not permission_set:
            text = f'rights to {len(lacking)} fields in the permission set "{PERMISSION_SET}"'
            error = (
                "there is no such permission set to put them into, see above. Once it can be made, "
                "run provision again; or an admin deploys what `syncd provision --sfdx DIR` writes"
            )
            yield Step("field_permission", PERMISSION_SET, text, error=error)
            return
        granted = yield from self._rights(permission_set, lacking)
        yield from self._assignment(permission_set)
        if self._apply:
            yield from self._seen([spec for spec in granted if spec.name in made])

    def _lacking(self, specs: Sequence[FieldSpec]) -> list[FieldSpec]:
        """The fields that the login does not see, or may not do with what syncd needs to."""
        for object in {spec.object for spec in specs}:
            self._describes.forget(object)
        return [spec for spec in specs if not self._has(spec)]

    def _has(self, spec: FieldSpec) -> bool:
        """Whether the login sees the field and may do with it what syncd needs to."""
        known = self._describes.of(spec.object)
        found = known.schema.find(spec.name)
        if found is None:
            return False
        grantable = found.name in known.permissionable and not found.calculated
        return found.writable or not spec.writable or not grantable

    def _fields(self, specs: Sequence[FieldSpec]) -> Generator[Step, None, set[str]]:
        """Make the fields that do not exist; returns the names of those that now do."""
        existing = self._existing(specs)
        names: set[str] = set()
        made: set[str] = set()
        for spec in specs:
            full_name = fields.full_name(spec)
            seen = self._describes.of(spec.object).schema.find(spec.name) is not None
            if seen or full_name.lower() in existing or full_name in made:
                names.add(spec.name)
                continue
            text = f'{spec.object}: field {spec.name} "{spec.label}" ({spec.type})'
            if not fields.can_be_made(spec):
                error = "syncd cannot make this field; an admin has to, or correct the mapping"
                yield Step("field", full_name, text, error=error)
                continue
            step = self._made(Step("field", full_name, text), partial(self._create_field, spec))
            if not step.error:
                names.add(spec.name)
                made.add(full_name)
            yield step
        return names

    def _existing(self, specs: Sequence[FieldSpec]) -> set[str]:
        """The full names, in lower case, of custom fields that exist but may be hidden."""
        names = [spec.name.removesuffix("__c") for spec in specs if fields.is_custom(spec.name)]
        found: set[str] = set()
        for listed in soql.in_lists(names):
            query = soql.select(
                "CustomField", ("DeveloperName", "TableEnumOrId"), (f"DeveloperName IN {listed}",)
            )
            try:
                answer = self._session.other(partial(_tooling_query, query))
            except (AccessError, RequestError):
                # Who cannot be asked refuses what exists when it is made: that is no error then.
                return found
            for row in answer["records"]:
                found.add(f"{row['TableEnumOrId']}.{row['DeveloperName']}__c".lower())
        return found

    def _create_field(self, spec: FieldSpec) -> None:
        metadata = fields.metadata(spec)
        options = metadata.pop("options", ())
        if options:
            values = [{"valueName": one, "label": one, "default": False} for one in options]
            metadata["valueSet"] = {
                "restricted": True,
                "valueSetDefinition": {"sorted": False, "value": values},
            }
        body = {"FullName": fields.full_name(spec), "Metadata": metadata}
        try:
            self._session.write(
                lambda sf: sf.toolingexecute("sobjects/CustomField", method="POST", data=body)
            )
        except RequestError as error:
            if error.code not in DUPLICATE_CODES:
                raise

    def _permission_set_id(self) -> str:
        rows = self._rows("PermissionSet", ("Id",), f"Name = {soql.text(PERMISSION_SET)}")
        return str(rows[0]["Id"]) if rows else ""

    def _permission_set(self) -> Generator[Step, None, str]:
        """Make the permission set; returns its id, empty where it is still to be made."""
        found = self._permission_set_id()
        if found:
            return found
        step = Step("permission_set", PERMISSION_SET, f'permission set "{PERMISSION_SET}"')
        body = {"Name": PERMISSION_SET, "Label": PERMISSION_SET, "Description": DESCRIPTION}
        yield self._made(step, partial(self._create, "PermissionSet", body))
        return self._permission_set_id() if self._apply else ""

    def _rights(
        self, permission_set: str, specs: Sequence[FieldSpec]
    ) -> Generator[Step, None, list[FieldSpec]]:
        """Grant what the login lacks; returns the specs granted."""
        condition = f"ParentId = {soql.text(permission_set)}"
        columns = ("Id", "Field", "PermissionsEdit")
        rows = self._rows("FieldPermissions", columns, condition) if permission_set else []
        held = {str(row["Field"]).lower(): row for row in rows}
        granted: list[FieldSpec] = []
        for spec in specs:
            field = f"{spec.object}.{spec.name}"
            row = held.get(field.lower())
            if not fields.is_custom(spec.name) or (
                row is not None and (row["PermissionsEdit"] or not spec.writable)
            ):
                continue
            right = "read and edit" if spec.writable else "read"
            text = f'{right} {field} in the permission set "{PERMISSION_SET}"'
            step = self._made(
                Step("field_permission", field, text),
                partial(self._grant, permission_set, spec, row),
            )
            if not step.error:
                granted.append(spec)
            yield step
        return granted

    def _grant(self, permission_set: str, spec: FieldSpec, row: dict[str, Any] | None) -> None:
        if row is not None:
            path = f"sobjects/FieldPermissions/{row['Id']}"
            body = msgspec.json.encode({"PermissionsRead": True, "PermissionsEdit": True})
            self._session.write(lambda sf: sf.restful(path, method="PATCH", data=body))
            return
        self._create(
            "FieldPermissions",
            {
                "ParentId": permission_set,
                "SobjectType": spec.object,
                "Field": f"{spec.object}.{spec.name}",
                "PermissionsRead": True,
                "PermissionsEdit": spec.writable,
            },
        )

    def _assignment(self, permission_set: str) -> Iterator[Step]:
        user = self._session.user_id()
        if not user:
            text = f'permission set "{PERMISSION_SET}" assigned to the integration user'
            error = "Salesforce does not tell which user this login is: assign it by hand"
            yield Step("assignment", PERMISSION_SET, text, error=error)
            return
        condition = f"AssigneeId = {soql.text(user)} AND PermissionSetId = "
        if permission_set and self._rows(
            "PermissionSetAssignment", ("Id",), condition + soql.text(permission_set)
        ):
            return
        text = f'permission set "{PERMISSION_SET}" assigned to the integration user {user}'
        body = {"AssigneeId": user, "PermissionSetId": permission_set}
        step = Step("assignment", PERMISSION_SET, text)
        yield self._made(step, partial(self._create, "PermissionSetAssignment", body))

    def _seen(self, specs: Sequence[FieldSpec]) -> Iterator[Step]:
        """Wait until the login sees the new fields; Salesforce takes a moment."""
        hidden: list[FieldSpec] = []

        def look() -> None:
            for object in {spec.object for spec in specs}:
                self._describes.forget(object)
            hidden[:] = [spec for spec in specs if not self._has(spec)]
            if hidden:
                raise TransientError(f"{hidden[0].name} is not visible yet")

        try:
            retrying(look)
        except UnreachableError:
            for spec in hidden:
                field = f"{spec.object}.{spec.name}"
                error = "made and granted, but not visible to the integration user yet"
                yield Step("field_permission", field, f"{field} visible", error=error)

    def _made(self, step: Step, make: Callable[[], None]) -> Step:
        """Carry out a step, if steps are carried out at all."""
        if not self._apply:
            return step
        try:
            make()
        except (RequestError, AccessError) as error:
            return msgspec.structs.replace(step, error=str(error))
        except TransientError as error:
            text = f"{error}; it is not known whether this was made: run provision again"
            return msgspec.structs.replace(step, error=text)
        return msgspec.structs.replace(step, done=True)

    def _create(self, object: str, body: dict[str, Any]) -> None:
        encoded = msgspec.json.encode(body)

        def post(client: Salesforce) -> Any:
            return client.restful(f"sobjects/{object}", method="POST", data=encoded)

        try:
            self._session.write(post)
        except RequestError as error:
            if error.code not in DUPLICATE_CODES:
                raise

    def _rows(self, object: str, columns: Sequence[str], condition: str) -> list[dict[str, Any]]:
        query = soql.select(object, columns, (condition,))
        rows: list[dict[str, Any]] = self._session.other(
            lambda sf: list(sf.query_all_iter(query)),
        )
        return rows


def _tooling_query(query: str, client: Salesforce) -> Any:
    answer = client.toolingexecute("query/", params={"q": query})
    if not isinstance(answer, dict) or "records" not in answer:
        raise TransientError("Salesforce answered a query without records", applied=None)
    return answer
