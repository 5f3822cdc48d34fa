"""Fills a container with names: `listed.py INSTANCE_FOLDER ACCOUNT CONTAINER COUNT`.

The rows go straight into the container's databases, for only their listing is measured.
"""

import os
import sys

from swift.common.ring import Ring
from swift.common.utils import Timestamp, hash_path, set_swift_dir, storage_directory
from swift.container.backend import ContainerBroker

instance, account, container, count = sys.argv[1:]
etc = os.path.join(instance, "etc")
set_swift_dir(etc)
part, nodes = Ring(etc, ring_name="container").get_nodes(account, container)
name = hash_path(account, container)
rows = [
    {
        "name": f"listed-{number:06}",
        "created_at": Timestamp.now().internal,
        "size": 0,
        "content_type": "text/plain",
        "etag": "d41d8cd98f00b204e9800998ecf8427e",
        "deleted": 0,
        "storage_policy_index": 0,
    }
    for number in range(int(count))
]
for node in nodes:
    folder = os.path.join(instance, "data", node["device"])
    folder = os.path.join(folder, storage_directory("containers", part, name))
    ContainerBroker(os.path.join(folder, f"{name}.db")).merge_items(rows)
