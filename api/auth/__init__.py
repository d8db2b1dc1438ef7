"""Who is calling: the principal, and how a bearer token becomes one."""

from api.auth.principal import CurrentUser, Role, Scope

__all__ = ["CurrentUser", "Role", "Scope"]
