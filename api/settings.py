"""The only reader of the environment: every setting, its default, and what is refused.

Variables are called `CODEBATTLE_` and the setting's name in capitals.
"""

import re
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from judge.images import data_directory

DEVELOPMENT_SECRET = "development-only-secret-of-no-value"  # noqa: S105 - refused elsewhere
SECRET_CHARS_MIN = 32
_HOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,86}={0,2}")
KIB = 1024
MIB = 1024 * KIB


class Environment(StrEnum):
    """Where this runs; only `development` may use secrets everybody knows."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    CONSOLE = "console"


class BlobPlace(StrEnum):
    """Where blobs are kept."""

    LOCAL = "local"
    S3 = "s3"


class SelfTest(StrEnum):
    """When a worker attacks its own sandbox, and what it does about the result."""

    OFF = "off"
    REPORT = "report"
    REQUIRE = "require"


class Settings(BaseSettings):
    """Everything that can be set. Each field's description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix="CODEBATTLE_",
        env_ignore_empty=True,  # a compose file can only pass an empty one for none
        extra="ignore",
        frozen=True,
    )

    environment: Environment = Field(
        default=Environment.PRODUCTION, description="development or production."
    )
    data_dir: Path = Field(
        default_factory=data_directory, description="Where blobs, caches and embedded data live."
    )
    log_format: LogFormat = Field(default=LogFormat.JSON, description="json or console.")
    log_level: str = Field(default="INFO", description="Least severity that is logged.")

    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the API listens on.")
    public_url: str = Field(default="", description="URL people reach the API at, for links.")
    cors_origins: tuple[str, ...] = Field(default=(), description="Origins browsers may call from.")

    database_url: SecretStr = Field(
        default=SecretStr("postgresql+asyncpg://codebattle@localhost/codebattle"),
        description="PostgreSQL, as `postgresql+asyncpg://user@host/database`.",
    )
    database_pool_min: int = Field(default=5, ge=0, description="Connections kept open.")
    database_pool_max: int = Field(default=10, ge=1, description="Connections at most.")
    database_idle_s: float = Field(
        default=600, gt=0, description="A connection is replaced after this."
    )
    database_connect_timeout_s: float = Field(
        default=5, gt=0, description="Wait for a new connection."
    )
    database_pool_timeout_s: float = Field(
        default=5, gt=0, description="Wait for a free connection."
    )
    redis_url: SecretStr = Field(
        default=SecretStr("redis://localhost:6379/0"),
        description="Redis: redis://, rediss:// or unix://.",
    )

    blob_store: BlobPlace = Field(
        default=BlobPlace.LOCAL, description="local: below the data directory; s3: a bucket."
    )
    s3_bucket: str = Field(default="", description="Bucket, which must exist.")
    s3_endpoint: str = Field(default="", description="URL of the store; empty: that of AWS.")
    s3_region: str = Field(default="us-east-1", description="Region requests are signed for.")
    s3_prefix: str = Field(default="", description="What names in the bucket begin with.")
    s3_access_key: SecretStr | None = Field(
        default=None, description="Key id; without one boto3 looks where it always does."
    )
    s3_secret_key: SecretStr | None = Field(default=None, description="The secret of that key.")
    s3_path_style: bool = Field(
        default=False, description="Bucket in the path, not in the host: most stores but AWS."
    )
    s3_connect_timeout_s: float = Field(default=5, gt=0, description="Wait for a connection.")
    s3_read_timeout_s: float = Field(default=30, gt=0, description="Wait for the next bytes.")

    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token for /metrics; without one only this host may ask."
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="Address a worker answers /metrics on."
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port a worker answers /metrics on; 0: none."
    )
    tracing_endpoint: str = Field(
        default="", description="OTLP over HTTP: where traces go; empty turns tracing off."
    )

    auth_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_SECRET),
        description="HS256 secret that bearer tokens are signed with.",
    )
    auth_issuer: str = Field(default="codebattle", description="`iss` a bearer token must carry.")
    auth_audience: str = Field(default="codebattle", description="`aud` a bearer token must carry.")
    auth_leeway_s: float = Field(default=30, ge=0, description="Clock skew that is forgiven.")
    auth_roles_claim: str = Field(
        default="roles", description="Claim that lists roles: its name, or a path with dots."
    )
    auth_role_map: dict[str, str] = Field(
        default={}, description="Their roles to ours; empty: they are called the same."
    )
    auth_jwks_url: str = Field(
        default="", description="Key set bearer tokens are signed with, instead of HS256."
    )
    auth_algorithms: tuple[str, ...] = Field(
        default=("RS256", "ES256", "EdDSA"), description="What keys of that set may be used with."
    )
    auth_accounts: bool = Field(
        default=True, description="Accounts of our own; there are none with auth_jwks_url."
    )
    auth_registration: bool = Field(
        default=False, description="Anybody may make themselves an account."
    )
    auth_access_s: float = Field(default=900, gt=0, description="Life of an access token of ours.")
    auth_refresh_s: float = Field(
        default=30 * 86_400, gt=0, description="A sign-in unused for this long ends."
    )

    hook_secrets: tuple[SecretStr, ...] = Field(
        default=(), description="whsec_ secrets inbound events are signed with; several to rotate."
    )
    hook_tolerance_s: float = Field(
        default=300, gt=0, description="Age and clock skew forgiven in an inbound event."
    )
    sealing_keys: tuple[Annotated[SecretStr, Field(min_length=SECRET_CHARS_MIN)], ...] = Field(
        default=(),
        description="What secrets of subscriptions are sealed with in the database, the newest "
        "first; none: made from auth_secret.",
    )
    webhook_ports: tuple[int, ...] = Field(
        default=(443, 8443), description="Ports events may be sent to."
    )
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Private networks that events may be sent into all the same."
    )
    webhook_timeout_s: float = Field(
        default=10, gt=0, le=60, description="Time for one attempt at a delivery."
    )
    webhook_attempts_max: int = Field(
        default=10, ge=1, le=30, description="Attempts at one delivery."
    )

    body_bytes_max: int = Field(default=2 * MIB, gt=0, description="Request body, uploads apart.")
    package_bytes_max: int = Field(default=256 * MIB, gt=0, description="Uploaded problem package.")
    source_bytes_max: int = Field(default=64 * KIB, gt=0, description="Source of a submission.")
    wait_s_max: float = Field(default=30, gt=0, description="Longest long-poll.")
    queue_depth_max: int = Field(default=20_000, gt=0, description="Queued judgings before 503.")
    user_queued_max: int = Field(
        default=6_000, gt=0, description="Queued judgings of one user before 429."
    )
    submissions_per_minute: int = Field(
        default=60, ge=0, description="Submissions of one user a minute; 0: no limit."
    )
    submissions_burst: int = Field(
        default=30, ge=1, description="Submissions of one user at once, after a pause."
    )
    trials_per_minute: int = Field(
        default=30, ge=0, description="Trials of one user a minute; 0: no limit."
    )
    trials_burst: int = Field(
        default=15, ge=1, description="Trials of one user at once, after a pause."
    )
    trials_queued_max: int = Field(
        default=5, ge=1, description="Unfinished trials of one user before 429."
    )
    drafts_per_minute: int = Field(
        default=120, ge=0, description="Drafts of one user a minute; 0: no limit."
    )
    drafts_burst: int = Field(
        default=40, ge=1, description="Drafts of one user at once, after a pause."
    )
    questions_per_minute: int = Field(
        default=6, ge=0, description="Questions to a jury, or challenges, of one user; 0: no limit."
    )
    questions_burst: int = Field(
        default=6, ge=1, description="Questions or challenges of one user at once, after a pause."
    )
    trial_days: float = Field(default=1, gt=0, description="Results of trials are kept so long.")
    trace_days: float = Field(
        default=90, gt=0, description="What events record of drafts and networks is kept so long."
    )
    anonymous_per_minute: int = Field(
        default=600,
        ge=0,
        description="Requests of an address without a valid token, a minute; 0: no limit.",
    )
    anonymous_burst: int = Field(
        default=200, ge=1, description="Such requests at once, after a pause."
    )
    forwarded_allow_ips: str = Field(
        default="127.0.0.1",
        description="Proxies whose X-Forwarded-For is believed: addresses, networks, commas.",
    )

    judge_backend: str | None = Field(
        default=None, description="docker, bubblewrap; default: strongest."
    )
    judge_slots: int | None = Field(
        default=None, description="Judgings at once; default: one per CPU."
    )
    self_test: SelfTest | None = Field(
        default=None,
        description="require: no work before all attacks on the own sandbox have failed "
        "(default in production); report: attack when idle and tell (default elsewhere); off.",
    )
    lease_s: float = Field(
        default=3, gt=0, description="A silent worker loses its judging after this."
    )
    heartbeat_s: float = Field(default=1, gt=0, description="Leases are extended this often.")
    sweep_s: float = Field(
        default=1, gt=0, description="Overdue judgings are looked for this often."
    )
    judging_attempts_max: int = Field(
        default=3, ge=1, description="Tries before a judge error stands."
    )
    judging_claims_max: int = Field(default=50, ge=1, description="Lost leases before giving up.")
    job_attempts_max: int = Field(
        default=3, ge=1, description="Tries of a job before our failure ends it."
    )
    job_queued_max: int = Field(
        default=50, ge=1, description="Unfinished jobs of one user before 429, trials apart."
    )
    drain_s: float = Field(default=60, ge=0, description="Time running judgings get after SIGTERM.")
    fair_step_s: float = Field(
        default=2, ge=0, description="Each waiting judging of a user costs this."
    )
    fair_room_share: float = Field(
        default=8, ge=1, description="A room may have so many times a user's share."
    )
    batch_delay_s: float = Field(
        default=120, ge=0, description="Batch work yields to others for this."
    )
    rejudge_delay_s: float = Field(
        default=600, ge=0, description="Rejudging yields to others for this."
    )
    rejudging_max: int = Field(default=500_000, ge=1, description="Submissions of a rejudge set.")
    double_check_share: float = Field(
        default=0,
        ge=0,
        le=1,
        description="This share of judgings is repeated by another worker and compared.",
    )
    quarantine_after: int = Field(
        default=3,
        ge=1,
        description="A worker whose judgements of so many people's submissions within a day "
        "others contradict takes no more work.",
    )
    similarity: bool = Field(
        default=True, description="Judgements are handed on to be compared with others."
    )
    similarity_model: str = Field(
        default="packaged",
        description="Model of embeddings: packaged, none, or a directory sentence-transformers "
        "loads.",
    )
    chroma_host: str = Field(
        default="", description="ChromaDB server; empty: embedded, below the data directory."
    )
    chroma_port: int = Field(default=8000, ge=1, le=65535, description="Port of that server.")
    similarity_report_max: int = Field(
        default=20_000, ge=2, description="Submissions a similarity report compares."
    )
    package_cache_bytes_max: int = Field(
        default=4096 * MIB, gt=0, description="Unpacked packages kept."
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.database_pool_max < self.database_pool_min:
            raise ValueError("database_pool_max is below database_pool_min")
        if self.lease_s < 3 * self.heartbeat_s:
            raise ValueError("lease_s must be at least three times heartbeat_s")
        if self.blob_store is BlobPlace.S3 and not self.s3_bucket:
            raise ValueError("s3_bucket must be set when blob_store is s3")
        if (self.s3_access_key is None) != (self.s3_secret_key is None):
            raise ValueError("s3_access_key and s3_secret_key belong together")
        for each in self.hook_secrets:
            if not _HOOK_SECRET.fullmatch(each.get_secret_value()):
                raise ValueError("hook_secrets: each is whsec_ and 24 to 64 bytes in base64")
        if self.environment is not Environment.DEVELOPMENT:
            secret = self.auth_secret.get_secret_value()
            if secret == DEVELOPMENT_SECRET:
                raise ValueError("auth_secret must be set outside development")
            if len(secret) < SECRET_CHARS_MIN:
                raise ValueError(f"auth_secret needs {SECRET_CHARS_MIN} characters")
        return self

    @property
    def self_test_mode(self) -> SelfTest:
        """Whether and how a worker tests its sandbox, the environment's default filled in."""
        if self.self_test is not None:
            return self.self_test
        developing = self.environment is Environment.DEVELOPMENT
        return SelfTest.REPORT if developing else SelfTest.REQUIRE

    @property
    def blobs_dir(self) -> Path:
        """Where the local blob store keeps its files."""
        return self.data_dir / "blobs"

    @property
    def similarity_dir(self) -> Path:
        """Indexes of similarity: made from PostgreSQL, and made anew when they are gone."""
        return self.data_dir / "similarity"

    @property
    def cache_dir(self) -> Path:
        """What a worker may lose at any time: unpacked packages, compiled programs."""
        return self.data_dir / "cache"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
