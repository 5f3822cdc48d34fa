"""The configuration of Keystone: one server for each Swift, over one database."""

from layout import Instance, Layout

KEYSTONE = """\
[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///{shared}/keystone.db
[token]
provider = fernet
expiration = {token_seconds}
[fernet_tokens]
key_repository = {shared}/fernet
[fernet_receipts]
key_repository = {shared}/fernet
[credential]
key_repository = {shared}/credential
[cache]
# Without one, a token is checked with some 300 queries.
enabled = true
backend = dogpile.cache.memory
[identity]
# The usual 12 rounds take 0.4 s for each password.
password_hash_algorithm = bcrypt
password_hash_rounds = 4
"""

# In a file, for Keystone takes the arguments of whatever program loads it for its own.
GUNICORN = """\
bind = "127.0.0.1:{port}"
workers = 1
threads = 4
wsgi_app = "keystone.wsgi.api:application"
control_socket_disable = True
"""


def write(layout: Layout, instance: Instance) -> None:
    etc = layout.etc(instance)
    text = KEYSTONE.format(shared=layout.keystone, token_seconds=instance.token_seconds)
    (etc / "keystone.conf").write_text(text)
    text = GUNICORN.format(port=layout.port(instance, "keystone"))
    (etc / "gunicorn.py").write_text(text)
