"""The configuration of one Swift, and its rings."""

import getpass
import shutil

from layout import INSTANCES, Instance, Layout

STORAGE = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
# 0: the process itself serves, and its pid is the server's.
workers = 0
user = {user}
swift_dir = {etc}
devices = {data}
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
recon_cache_path = {run}
recon_lock_path = {run}
# Seconds: where a busy container server is not waited for, its listing is late until the updater comes by.
container_update_timeout = 5
node_timeout = 5
log_address = {run}/no-syslog
[pipeline:main]
pipeline = healthcheck recon {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:recon]
use = egg:swift#recon
recon_cache_path = {run}
[{kind}-updater]
interval = {updater_seconds}
concurrency = 1
recon_cache_path = {run}
[{kind}-replicator]
[{kind}-auditor]
"""

PROXY = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {etc}
log_address = {run}/no-syslog
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk {auth} copy container_quotas \
slo dlo versioned_writes symlink proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
# Ten errors would keep a server out for a minute: with one server, all requests of that minute.
error_suppression_limit = 1000000000
# Seconds: half a second is too short on a busy machine.
conn_timeout = 3
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
# As above: every token would be refused for a minute after the cache is back.
error_suppression_limit = 1000000000
# A busy machine answers late: by default a cache that did so ten times is left alone for a minute, and
# with it goes every token.
conn_timeout = 5
pool_timeout = 10
io_timeout = 10
error_suppression_interval = 0
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:container_quotas]
use = egg:swift#container_quotas
[filter:slo]
use = egg:swift#slo
# Segments under a MiB would be served at one in a second.
rate_limit_under_size = 0
[filter:dlo]
use = egg:swift#dlo
rate_limit_segments_per_sec = 1000
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""

TEMPAUTH = """\
[filter:tempauth]
use = egg:swift#tempauth
token_life = {token_seconds}
user_test_tester = testing .admin
user_test2_tester2 = testing2 .admin
# Knows its password, and may do nothing.
user_test_tester3 = testing3
"""

AUTHTOKEN = """\
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = http://127.0.0.1:{keystone}/v3
# Not the Keystone that gives out tokens of four seconds: the proxy's own would expire with each request.
auth_url = http://127.0.0.1:{validator}/v3
auth_type = password
username = swift
password = swift
user_domain_id = default
project_name = service
project_domain_id = default
delay_auth_decision = true
include_service_catalog = false
cache = swift.cache
service_token_roles_required = true
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
"""

COMMON = """\
[swift-hash]
swift_hash_path_prefix = test
swift_hash_path_suffix = test
[storage-policy:0]
name = only
default = yes
[swift-constraints]
max_file_size = {max_object}
container_listing_limit = {page}
"""


def write(layout: Layout, instance: Instance) -> None:
    """Writes the instance's files anew, and throws away what clients stored."""
    etc = layout.etc(instance)
    shutil.rmtree(layout.home(instance), ignore_errors=True)
    for folder in (etc, layout.run(instance), layout.log(instance, "any").parent):
        folder.mkdir(parents=True)
    for replica in range(instance.replicas):
        (layout.data(instance) / f"d{replica}").mkdir(parents=True)

    def fill(template: str, **more: object) -> str:
        return template.format(
            user=getpass.getuser(),
            etc=etc,
            data=layout.data(instance),
            run=layout.run(instance),
            memcached=layout.port(instance, "memcached"),
            keystone=layout.port(instance, "keystone"),
            validator=layout.port(INSTANCES["plain"], "keystone"),
            **vars(instance),
            **more,
        )

    def proxy(server: str, auth: str) -> str:
        return fill(PROXY, port=layout.port(instance, server), auth=auth)

    (etc / "swift.conf").write_text(fill(COMMON))
    for kind in ("account", "container", "object"):
        text = fill(STORAGE, port=layout.port(instance, kind), kind=kind)
        (etc / f"{kind}.conf").write_text(text)
    (etc / "proxy.conf").write_text(proxy("proxy", "tempauth") + fill(TEMPAUTH))
    text = proxy("keystone-proxy", "authtoken keystoneauth") + fill(AUTHTOKEN)
    (etc / "keystone-proxy.conf").write_text(text)


def build_rings(layout: Layout, instance: Instance) -> None:
    """One device for each replica, all of them behind the one server of each kind."""
    from swift.common.ring import RingBuilder  # takes half a second to load

    for kind in ("account", "container", "object"):
        builder = RingBuilder(4, instance.replicas, 0)  # 2^4 partitions
        port = layout.port(instance, kind)
        address = {"ip": "127.0.0.1", "port": port, "meta": ""}
        address |= {"replication_ip": "127.0.0.1", "replication_port": port}
        for replica in range(instance.replicas):
            place = {"region": 1, "zone": replica + 1, "device": f"d{replica}", "weight": 1.0}
            builder.add_dev(address | place)
        builder.rebalance()
        builder.validate()
        builder.get_ring().save(str(layout.etc(instance) / f"{kind}.ring.gz"))
