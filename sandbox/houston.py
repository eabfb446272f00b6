"""Houston: finds the Deployment of a request, applies the platform's rules and stores the result."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sandbox.errors import RefusedError
from sandbox.image_labels import Labels, labels_of
from sandbox.platform_quirks import Replica

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.deployment import Deployment
    from sandbox.platform_rules import Platform
    from sandbox.store import Store

#: The vendor's own message; the CLI recognizes it and says that the token may have expired.
NO_PERMISSION = "You do not have the appropriate permissions for that"


class Role(StrEnum):
    """Permissions of a token: an admin may do everything, a viewer may only read workspaces and Deployments."""

    ADMIN = "SYSTEM_ADMIN"
    VIEWER = "WORKSPACE_VIEWER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Houston:
    """The service behind the API: the store, the rules, the tokens and the address of the Airflows.

    ``base_url`` is the sandbox's own address without a trailing slash.
    """

    store: Store
    platform: Platform
    tokens: Tokens
    base_url: str
    replica: Replica = field(default_factory=Replica)

    def role(self, authorization: str) -> Role | None:
        """Return the role of an ``authorization`` header, raw or with ``Bearer``; ``None`` for a refused token."""
        scheme, _, rest = authorization.partition(" ")
        return self.tokens.role(rest.strip() if scheme.lower() == "bearer" else authorization)

    def deployments(self, workspace: str | None = None) -> list[Deployment]:
        """Return the Deployments of a workspace, or all of them."""
        found = [each for each in self.store.deployments() if workspace in (None, each.workspace)]
        return self._read(found)

    def find(self, *, deployment_id: str | None = None, release_name: str | None = None) -> Deployment | None:
        """Return the Deployment that matches all given values."""
        found = self.store.find(deployment_id=deployment_id, release_name=release_name)
        return self._read([found])[0] if found else None

    def _read(self, found: list[Deployment]) -> list[Deployment]:
        """Return the current state of a Deployment, or the state of the lagging replica."""
        now, behind = self.platform.clock(), self.platform.quirks.stale_seconds
        if behind and self.replica.begin_reading():
            return [self.replica.at(now - behind, each) for each in found]
        return [each.at(now) for each in found]

    def change(self, deployment_id: str, action: Callable[[Deployment], Deployment]) -> Deployment:
        """Apply an action of the platform to a Deployment and store the result.

        Raises:
            RefusedError: no such Deployment (the text is inferred), or the platform refuses.
        """
        deployment = self.store.find(deployment_id=deployment_id)
        if deployment is None:
            raise RefusedError(f"No deployment exists with id: {deployment_id}", code="NOT_FOUND")
        return self._kept(deployment, action)

    def deploy(self, release_name: str, image: str, labels: Labels) -> Deployment:
        """Deploy an image with these labels; without labels, the image's name decides.

        Raises:
            RefusedError: no such release, or the image's version is unknown.
        """
        deployment = self.store.find(release_name=release_name)
        if deployment is None:
            raise RefusedError(f"No deployment exists with releaseName: {release_name}", code="NOT_FOUND")
        labels = labels or labels_of(image)
        if not labels:
            raise RefusedError(f"nothing tells the version of image {image}: name its Runtime or Airflow version")
        return self._kept(deployment, lambda each: self.platform.deploy(each, image, labels))

    def _kept(self, stored: Deployment, action: Callable[[Deployment], Deployment]) -> Deployment:
        now = self.platform.clock()
        changed = action(stored.at(now))
        self.store.save(changed)
        if self.platform.quirks.stale_seconds:
            self.replica.keep(stored, now)
        return changed


class Tokens:
    """The accepted tokens, in a class of their own so that no ``repr`` shows them."""

    def __init__(self, *, admin: str, viewer: str | None = None) -> None:
        self._roles = {admin: Role.ADMIN} | ({viewer: Role.VIEWER} if viewer and viewer != admin else {})

    def role(self, token: str) -> Role | None:
        """Return the role of a token."""
        return self._roles.get(token)

    def masked(self, text: str) -> str:
        """Replace tokens in a text with stars, also where JSON escapes them."""
        for token in sorted(self._roles, key=len, reverse=True):
            for written in (token, json.dumps(token)[1:-1]):
                text = text.replace(written, "***")
        return text

    def __repr__(self) -> str:
        """Return the number of tokens, without any of them."""
        return f"Tokens({len(self._roles)} hidden)"
