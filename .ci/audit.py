"""Known weaknesses of the locked packages. Exit 1 if there is one; 3 if a package is not known.

pip-audit asks the package index about each release. Some mirrors of an index answer for a project
as a whole only; that answer tells the weaknesses of its newest release, and counts where that is
the one in the lock.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from pip_audit._audit import Auditor
from pip_audit._dependency_source import RequirementSource
from pip_audit._service import PyPIService, ResolvedDependency
from pip_audit._service.interface import ServiceError
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter

LOCK = Path(__file__).parent.parent / "requirements" / "runtime.txt"
RELEASE = re.compile(r"(?P<project>.+)/(?P<version>[^/]+)/json")


class NewestToo(HTTPAdapter):
    """Where the index has no page of a release, the project's page stands in for its newest."""

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Ask for the release; failing that, for the project."""
        answer = super().send(request, *args, **options)
        asked = RELEASE.fullmatch(request.url or "")
        if answer.status_code != 404 or asked is None:
            return answer
        project = request.copy()
        project.url = f"{asked['project']}/json"
        newest = super().send(project, *args, **options)
        if newest.ok and newest.json()["info"]["version"] == asked["version"]:
            return newest
        return answer


def main() -> int:
    """Ask about each, and print what is known."""
    service = PyPIService()
    service.session.mount("https://", NewestToo())
    source = RequirementSource([LOCK], require_hashes=True, disable_pip=True)
    sound, weak, unknown = [], [], []
    try:
        answers = list(Auditor(service).audit(source))
    except (ServiceError, RequestException) as error:
        print(f"nothing is audited, the package index does not answer: {error}")
        return 3
    for package, found in answers:
        if not isinstance(package, ResolvedDependency):
            unknown.append(f"{package.name}: not known to the index, or not its newest release")
        elif found:
            fixed = {str(version) for one in found for version in one.fix_versions}
            ids = ", ".join(sorted(one.id for one in found))
            better = ", ".join(sorted(fixed)) or "no release"
            weak.append(f"{package.name} {package.version}: {ids} (mended in {better})")
        else:
            sound.append(package.name)
    for line in (*weak, *unknown):
        print(line)
    print(f"{len(sound)} packages sound, {len(weak)} with weaknesses, {len(unknown)} not audited")
    return 1 if weak else 3 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
