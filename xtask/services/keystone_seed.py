"""Makes the database of Keystone: `keystone_seed.py CONFIGURATION {REGION: {SERVICE: URL}}`.

By the functions behind `keystone-manage`, whose four calls would take four times as long.
"""

import json
import os
import sys
import uuid

configuration, endpoints = sys.argv[1], json.loads(sys.argv[2])
sys.argv = sys.argv[:1]  # Keystone reads them as well

import keystone.conf
import keystone.server
from keystone.common import fernet_utils, provider_api
from keystone.common.sql import upgrades
from keystone.server import backends

PROVIDERS = provider_api.ProviderAPIs
DOMAIN = "default"


def make_keys() -> None:
    for group in ("fernet_tokens", "credential"):
        repository = keystone.conf.CONF[group].key_repository
        active = 3
        keys = fernet_utils.FernetUtils(repository, active, group)
        keys.create_key_directory()
        keys.initialize_key_repository()


def create(make, **facts) -> str:
    made = facts | {"id": uuid.uuid4().hex}
    make(made["id"], made)
    return made["id"]


def make_catalog() -> None:
    catalog = PROVIDERS.catalog_api
    kinds = {"keystone": "identity", "swift": "object-store"}
    services = {
        name: create(catalog.create_service, type=kind, name=name, enabled=True)
        for name, kind in kinds.items()
    }
    for region, urls in endpoints.items():
        catalog.create_region({"id": region, "description": ""})
        for name, url in urls.items():
            for interface in ("public", "internal", "admin"):
                create(
                    catalog.create_endpoint,
                    service_id=services[name],
                    region_id=region,
                    interface=interface,
                    url=url,
                    enabled=True,
                )


def make_users() -> None:
    resource, identity = PROVIDERS.resource_api, PROVIDERS.identity_api
    resource.create_domain(DOMAIN, {"id": DOMAIN, "name": "Default", "enabled": True})
    roles = {
        name: create(PROVIDERS.role_api.create_role, name=name, domain_id=None)
        for name in ("admin", "member", "reader", "service")
    }
    projects = {
        name: create(resource.create_project, name=name, domain_id=DOMAIN, enabled=True)
        for name in ("service", "test", "test2")
    }
    users = {}
    for name, password, project, granted in (
        ("swift", "swift", "service", ["admin", "service"]),
        ("tester", "testing", "test", ["member"]),
        ("tester2", "testing2", "test2", ["member"]),
        # Knows its password, and may not touch files.
        ("tester3", "testing3", "test", ["reader"]),
    ):
        user = {"name": name, "password": password, "domain_id": DOMAIN, "enabled": True}
        users[name] = identity.create_user(user)["id"]
        for role in granted:
            PROVIDERS.assignment_api.create_grant(
                roles[role], user_id=users[name], project_id=projects[project]
            )
    PROVIDERS.application_credential_api.create_application_credential(
        {
            "id": "0123456789abcdef0123456789abcdef",
            "name": "tests",
            "secret": "credential-secret",
            "user_id": users["tester"],
            "project_id": projects["test"],
            "roles": [{"id": roles["member"]}],
            "unrestricted": False,
        }
    )


os.umask(0o077)
keystone.server.configure(config_files=[configuration])
upgrades.offline_sync_database_to_version(None)
make_keys()
backends.load_backends()
make_users()
make_catalog()
