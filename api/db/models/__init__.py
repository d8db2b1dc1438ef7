"""One file per aggregate. Importing this package makes all tables known."""

from api.db.models.accounts import Account, LoginWindow, Token, TokenKind
from api.db.models.audit import AuditEntry
from api.db.models.blobs import Blob
from api.db.models.boards import (
    BoardCell,
    BoardGuild,
    BoardRow,
    EventAttempt,
    GuildLeaderboardEntry,
    LeaderboardEntry,
    Rating,
    RatingChange,
)
from api.db.models.events import (
    Clarification,
    Draft,
    Duel,
    DuelState,
    EntryKind,
    Event,
    EventEntry,
    EventGuild,
    EventParticipant,
    EventProblem,
    EventState,
    Presence,
    Room,
)
from api.db.models.feeds import ContestFeed, ContestMark
from api.db.models.jobs import Job, JobLane, JobState
from api.db.models.judgings import Judging, JudgingState, Queue, Run
from api.db.models.neighbours import (
    InboundEvent,
    Outbox,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from api.db.models.problems import CodeProblem, CodeProblemVersion, TestCase, TestGroup, Visibility
from api.db.models.profiles import GuildMemberRef, GuildRef, UserProfileRef
from api.db.models.rejudgings import Rejudging, RejudgingState
from api.db.models.submissions import CodeSubmission, SubmissionFile
from api.db.models.workers import FindingKind, Worker, WorkerFinding, WorkerState

__all__ = [
    "Account",
    "AuditEntry",
    "Blob",
    "BoardCell",
    "BoardGuild",
    "BoardRow",
    "Clarification",
    "CodeProblem",
    "CodeProblemVersion",
    "CodeSubmission",
    "ContestFeed",
    "ContestMark",
    "Draft",
    "Duel",
    "DuelState",
    "EntryKind",
    "Event",
    "EventAttempt",
    "EventEntry",
    "EventGuild",
    "EventParticipant",
    "EventProblem",
    "EventState",
    "FindingKind",
    "GuildLeaderboardEntry",
    "GuildMemberRef",
    "GuildRef",
    "InboundEvent",
    "Job",
    "JobLane",
    "JobState",
    "Judging",
    "JudgingState",
    "LeaderboardEntry",
    "LoginWindow",
    "Outbox",
    "Presence",
    "Queue",
    "Rating",
    "RatingChange",
    "Rejudging",
    "RejudgingState",
    "Room",
    "Run",
    "SubmissionFile",
    "TestCase",
    "TestGroup",
    "Token",
    "TokenKind",
    "UserProfileRef",
    "Visibility",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Worker",
    "WorkerFinding",
    "WorkerState",
]
