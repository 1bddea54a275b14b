"""Which page answers which address?"""

from django.contrib.auth.views import LogoutView
from django.urls import path, register_converter

from rakurs.web.links import CARD_NAMES
from rakurs.web.views import (
    account,
    build,
    cards,
    company,
    dashboards,
    data,
    entrance,
    home,
    live,
    mapping,
    notices,
    palette,
    preferences,
    reconciling,
    reference,
    report,
    saved,
    segments,
    settings,
)


class CardName:
    """The name of a card in an address."""

    regex = "|".join(sorted(CARD_NAMES))

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(CardName, "card")

urlpatterns = [
    path("", dashboards.home, name="home"),
    path("dashboards/", dashboards.index, name="dashboards"),
    path("dashboards/new", dashboards.create, name="create_dashboard"),
    path("dashboards/add/", dashboards.add, name="add_to_dashboard"),
    path("dashboards/tv/", dashboards.television, name="television"),
    path("dashboards/<slug:key>/", dashboards.dashboard, name="dashboard"),
    path("dashboards/<slug:key>/edit/", dashboards.edit, name="edit_dashboard"),
    path("dashboards/<slug:key>/save", dashboards.save, name="save_dashboard"),
    path("dashboards/<slug:key>/share", dashboards.share, name="share_dashboard"),
    path("dashboards/<slug:key>/delete", dashboards.delete, name="delete_dashboard"),
    path("dashboards/<slug:key>/home", dashboards.make_home, name="make_home"),
    path("dashboards/<slug:key>/presets", dashboards.presets, name="dashboard_presets"),
    path("dashboards/<slug:key>/preview/", dashboards.preview, name="dashboard_preview"),
    path("dashboards/<slug:key>/tiles/<slug:tile_id>/", dashboards.tile, name="dashboard_tile"),
    path("dashboards/<slug:key>/tiles/<slug:tile_id>/members/", dashboards.members, name="dashboard_members"),
    path(
        "dashboards/<slug:key>/tiles/<slug:tile_id>/members/download.<slug:kind>",
        dashboards.download_members,
        name="download_dashboard_members",
    ),
    path("reports/", home.overview, name="reports"),
    path("reports/<slug:name>/", report.report, name="report"),
    path("reports/<slug:name>/download.<slug:kind>", report.download, name="download"),
    path("reports/<slug:name>/members/", report.members, name="members"),
    path("reports/<slug:name>/members/download.<slug:kind>", report.download_members, name="download_members"),
    path("reconcile/", reconciling.reconcile, name="reconcile"),
    path("build/", build.build, name="build"),
    path("build/download.<slug:kind>", build.download, name="build_download"),
    path("build/members/", build.members, name="build_members"),
    path("build/members/download.<slug:kind>", build.download_members, name="build_download_members"),
    path("my/", saved.shelf, name="my"),
    path("my/new", saved.create, name="save_report"),
    path("my/<slug:report_id>/", saved.saved, name="saved"),
    path("my/<slug:report_id>/change", saved.change, name="change_report"),
    path("my/<slug:report_id>/download.<slug:kind>", saved.download, name="saved_download"),
    path("my/<slug:report_id>/members/", saved.members, name="saved_members"),
    path("my/<slug:report_id>/members/download.<slug:kind>", saved.download_members, name="saved_download_members"),
    path("segments/", segments.segments, name="segments"),
    path("segments/new/", segments.new, name="new_segment"),
    path("segments/new/condition", segments.condition, name="segment_condition"),
    path("segments/new/count", segments.count, name="segment_count"),
    path("segments/save", segments.save, name="save_segment"),
    path("segments/<slug:segment_id>/", segments.segment, name="segment"),
    path("segments/<slug:segment_id>/edit/", segments.edit, name="edit_segment"),
    path("segments/<slug:segment_id>/change", segments.change, name="change_segment"),
    path("segments/<slug:segment_id>/download.<slug:kind>", segments.download, name="download_segment"),
    path("data/", data.upload, name="upload"),
    path("data/loads/", data.loads, name="loads"),
    path("data/loads/<slug:job_id>/", data.load, name="load"),
    path("data/loads/<slug:job_id>/cancel", data.cancel, name="cancel_load"),
    path("data/loads/<slug:job_id>/retry", data.retry, name="retry_load"),
    path("data/loads/<slug:job_id>/mapping/", mapping.mapping, name="mapping"),
    path("data/loads/<slug:job_id>/mapping/<int:number>/", mapping.correction, name="correction"),
    path("data/quarantine/", data.quarantine, name="quarantine"),
    path("data/quarantine.csv", data.quarantine_file, name="quarantine_file"),
    path("data/templates/<slug:table>.<slug:kind>", data.template_file, name="template"),
    path("notices/", notices.notices, name="notices"),
    path("notices/reports/new/", notices.schedule, name="new_schedule"),
    path("notices/reports/<slug:subscription_id>/", notices.schedule, name="schedule"),
    path("notices/alerts/new/", notices.alert, name="new_alert"),
    path("notices/alerts/<slug:alert_id>/", notices.alert, name="alert"),
    path("notices/<slug:notice_id>/<slug:deed>", notices.change_notice, name="change_notice"),
    path("settings/sending/", notices.sending, name="sending"),
    path("live", live.live, name="live"),
    path("account/", account.account, name="account"),
    path("account/profile", account.change_profile, name="change_profile"),
    path("account/tokens", account.create_token, name="create_token"),
    path("account/tokens/<int:token_id>/revoke", account.revoke_token, name="revoke_token"),
    path("account/sessions/<slug:session_id>/end", account.end_session, name="end_session"),
    path("account/second-factor/", account.set_second_factor, name="set_second_factor"),
    path("account/second-factor/<slug:deed>", account.change_second_factor, name="change_second_factor"),
    path("settings/", settings.everybody, name="people"),
    path("settings/invite", settings.invite, name="invite"),
    path("settings/invitations/<int:invitation_id>/withdraw", settings.withdraw, name="withdraw_invitation"),
    path("settings/people/<int:user_id>/", settings.person, name="person"),
    path("settings/people/<int:user_id>/<slug:deed>", settings.person_deed, name="person_deed"),
    path("settings/roles/", settings.roles, name="roles"),
    path("settings/company/", company.company, name="company"),
    path("settings/audit/", settings.audit, name="audit"),
    path("settings/audit.csv", settings.audit_file, name="audit_file"),
    path("login", entrance.Login.as_view(), name="login"),
    path("login/code", entrance.code, name="login_code"),
    path("join/<slug:token>", entrance.join, name="join"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("password", account.change_password, name="password_change"),
    path("language", preferences.set_language, name="set_language"),
    path("search", palette.palette, name="palette"),
    path("help/", reference.contents, name="help"),
    path("help/start/", reference.start, name="start"),
    path("help/news/", reference.news, name="news"),
    path("help/metrics/", reference.metrics, name="help_metrics"),
    path("help/tables/", reference.tables, name="help_tables"),
    path("help/<slug:name>/", reference.analysis, name="help_analysis"),
    # Last: an id may hold any sign, slashes included.
    path("<card:card_name>/<path:subject_id>/", cards.card, name="card"),
]
