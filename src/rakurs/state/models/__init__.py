"""What people edit in Rakurs and what is kept about them, a module per kind."""

from rakurs.state.models.connections import Connection, SyncRun
from rakurs.state.models.ids import new_id
from rakurs.state.models.loads import LoadJob
from rakurs.state.models.notes import Note
from rakurs.state.models.people import (
    ApiToken,
    AuditEvent,
    Invitation,
    OwnRole,
    RecoveryCode,
    Session,
    User,
    Users,
    normal_login,
)
from rakurs.state.models.predictions import ModelFit, ModelRecord, ModelSettings
from rakurs.state.models.schedules import Alert, Delivery, Subscription
from rakurs.state.models.work import Audience, Dashboard, Preference, Report, ReportVersion, Segment
from rakurs.state.models.writing import WriteDeed, WritePermit, WriteRun

__all__ = [
    "Alert",
    "ApiToken",
    "Audience",
    "AuditEvent",
    "Connection",
    "Dashboard",
    "Delivery",
    "Invitation",
    "LoadJob",
    "ModelFit",
    "ModelRecord",
    "ModelSettings",
    "Note",
    "OwnRole",
    "Preference",
    "RecoveryCode",
    "Report",
    "ReportVersion",
    "Segment",
    "Session",
    "Subscription",
    "SyncRun",
    "User",
    "Users",
    "WriteDeed",
    "WritePermit",
    "WriteRun",
    "new_id",
    "normal_login",
]
