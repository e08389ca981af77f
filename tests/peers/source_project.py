"""What `syncd provision --sfdx` writes, judged by Salesforce's own library for source projects.

The library is the one by which Salesforce's command line deploys. It needs no org: it finds the
components of a project, turns them into what would be deployed, and that back into a project. The
page section, which an admin merges by hand, is merged into a page here and judged with the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from room import PeerError, Room

NAME = "sfdx_source"
PACKAGE = "@salesforce/source-deploy-retrieve"
MAPPINGS = ("salesforce", "salesforce-sandbox")
SPACE = "http://soap.sforce.com/2006/04/metadata"
PAGE = "Account_Record_Page"
KINDS = ("CustomField", "FlexiPage", "ListView", "PermissionSet", "ReportType")
CONFIG = """\
[syncd]
state    = "sqlite:///syncd.db"
timezone = "UTC"
currency = "USD"
[connections.salesforce]
connector    = "salesforce"
mapping      = "{mapping}"
instance_url = "https://acme.my.salesforce.com"
[connections.salesforce.auth]
flow          = "client_credentials"
client_id     = {{ env = "SF_CLIENT_ID" }}
client_secret = {{ env = "SF_CLIENT_SECRET" }}
"""
AROUND = f"""\
<FlexiPage xmlns="{SPACE}">
    <flexiPageRegions>
        <itemInstances><componentInstance>
            <componentInstanceProperties>
                <name>columns</name><value>Facet-syncd-fields</value>
            </componentInstanceProperties>
            <componentName>flexipage:fieldSection</componentName>
            <identifier>flexipage_fieldSection</identifier>
        </componentInstance></itemInstances>
        <name>main</name><type>Region</type>
    </flexiPageRegions>
    <masterLabel>Account Record Page</masterLabel>
    <sobjectType>Account</sobjectType>
    <template><name>flexipage:recordHomeTemplateDesktop</name></template>
    <type>RecordPage</type>
</FlexiPage>
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A source project below `folder`."""

    folder: Path

    @property
    def source(self) -> Path:
        """Its package directory."""
        return self.folder / "force-app"

    def written(self) -> set[Path]:
        """Every metadata file in it."""
        return set(self.source.rglob("*-meta.xml"))

    @classmethod
    def provisioned(cls, folder: Path, mapping: str) -> Project:
        """What syncd writes for a shipped mapping, the page section merged. Raises PeerError."""
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(CONFIG.format(mapping=mapping), encoding="utf-8")
        command = [sys.executable, "-m", "syncd", "provision", "--sfdx", "project"]
        secrets = {"SF_CLIENT_ID": "x", "SF_CLIENT_SECRET": "x"}
        done = subprocess.run(
            [*command, "-c", "config.toml"],
            cwd=folder,
            env=os.environ | secrets,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise PeerError(f"provision --sfdx ended with {done.returncode}: {done.stderr}")
        made = cls(folder / "project")
        made._merge_section()
        return made

    def _merge_section(self) -> None:
        ET.register_namespace("", SPACE)
        page = ET.fromstring(AROUND)
        section = ET.parse(self.folder / f"merge-by-hand/{PAGE}.section.xml").getroot()
        for region in reversed(section.findall(f"{{{SPACE}}}flexiPageRegions")):
            page.insert(0, region)
        pages = self.source / "main/default/flexipages"
        pages.mkdir()
        ET.ElementTree(page).write(pages / f"{PAGE}.flexipage-meta.xml", encoding="utf-8")


def judge(room: Room) -> str:
    """Let the library judge the projects of the shipped mappings; what it took.

    Raises PeerError where it objects, or where it objects to nothing in a project that is wrong.
    """
    desk = room.folder / "desk"
    shutil.rmtree(desk, ignore_errors=True)
    counts: dict[str, int] = {}
    for mapping in MAPPINGS:
        project = Project.provisioned(desk / mapping, mapping)
        told = _asked(room, project)
        objections = _objections(project, told)
        if objections:
            raise PeerError(f"{mapping}: " + "; ".join(objections))
        for kind in KINDS:
            counts[kind] = counts.get(kind, 0) + len(told["found"][kind])
    _must_object(room, project)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _asked(room: Room, project: Project) -> dict[str, Any]:
    work = project.folder.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    script = str(room.folder / "peer.mjs")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(room.folder),
        "SF_DISABLE_TELEMETRY": "true",
    }
    said = room.run("node", script, str(project.source), str(work), environment=environment)
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    return told


def _objections(project: Project, told: dict[str, Any]) -> list[str]:
    """What the library does not know, does not take, or loses on the way."""
    found: list[str] = list(told["problems"])
    known = {Path(file) for file in told["files"]}
    found += [f"{file.name} is no component" for file in sorted(project.written() - known)]
    found += [f"there is no {kind}" for kind in KINDS if not told["found"].get(kind)]
    for kind, names in told["found"].items():
        lost = set(names) - set(told["back"].get(kind, ()))
        found += [f"{kind} {name} is lost when deployed" for name in sorted(lost)]
    return found


def _must_object(room: Room, project: Project) -> None:
    """A project with mistakes is told apart from one without."""
    field = min(project.source.rglob("*.field-meta.xml"))
    text = field.read_text(encoding="utf-8")
    field.write_text(text.replace("<label>", "<lable>").replace("</label>", "</lable>"))
    objections = _objections(project, _asked(room, project))
    if not any("CustomField has no lable" in one for one in objections):
        raise PeerError(f"a field with a mistake was taken: {objections}")
    field.write_text(text, encoding="utf-8")
    stray = project.source / "main/default/reportTypes/Stray.reportKind-meta.xml"
    stray.write_text(f'<ReportKind xmlns="{SPACE}"/>', encoding="utf-8")
    try:
        _asked(room, project)
    except PeerError as error:
        if f"{stray.name}: Could not infer a metadata type" in str(error):
            return
        raise
    raise PeerError(f"{stray.name} was taken")
