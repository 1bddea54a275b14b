"""An amoCRM account on loopback: a real HTTP server with a made-up company that speaks API v4.

It answers as the documentation tells, refuses a client's mistakes, and can be told to misbehave.
Nothing of the product is imported here.
"""

import random
import threading
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from sources.amocrm_answers import ROOT, Answers
from sources.amocrm_company import make_up
from sources.amocrm_crm import Crm
from sources.amocrm_dictionaries import PLURALS, SINGULARS, Record
from sources.amocrm_http import Server
from sources.amocrm_php import Params, php_form
from sources.amocrm_refusals import Faults, Limits, Problem


class Account(Crm):
    """An amoCRM account on loopback."""

    def __init__(
        self,
        *,
        seed: int = 1,
        leads: int = 200,
        contacts: int = 120,
        companies: int = 40,
        calls: int = 80,
        tasks: int = 60,
        now: datetime | None = None,
        clock_skew: timedelta = timedelta(0),
    ) -> None:
        chance = random.Random(seed)
        self.token = f"long-lived-{seed}-{chance.getrandbits(64):016x}"
        super().__init__(seed=seed, chance=chance, now=now, clock_skew=clock_skew)
        self.url = ""
        self.limits = Limits(Faults())
        self.answers = self._answers()
        self.requests: list[tuple[str, int]] = []
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        make_up(self, leads=leads, contacts=contacts, companies=companies, calls=calls, tasks=tasks)

    def __enter__(self) -> Self:
        self._server = Server(self)
        self.url = self.answers.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._thread.join()
            self._server = self._thread = None

    @property
    def faults(self) -> Faults:
        """How the account misbehaves."""
        return self.limits.faults

    def _answers(self) -> Answers:
        return Answers(self)

    # --- reading it ---

    def gate(self, path: str, authorization: str | None) -> None:
        """Refuses what is over the limit, unauthorised or forbidden."""
        self.limits.admit()
        if self.faults.revoked or authorization != f"Bearer {self.token}":
            raise Problem(401, "Invalid or missing access token")
        if {path, path.removeprefix(ROOT)} & self.faults.forbidden:
            raise Problem(403, "Not enough rights")

    def answer(self, path: str, params: Params) -> Record | None:
        """The document at an address; None is an empty answer."""
        with self.lock:
            return self.answers.document(path, params)

    # --- what it tells by itself ---

    def hook(self, entity: str, deed: str, record_id: int) -> bytes:
        """The body of a webhook; companies come among contacts, told by their type."""
        kind = SINGULARS.get(entity, entity)
        deeds = ("add", "update", "delete", *(("status", "restore") if kind == "lead" else ()))
        if kind not in PLURALS or deed not in deeds:
            raise ValueError(f"no such webhook: {entity}[{deed}]")
        with self.lock:
            record = self.records[kind].get(record_id)
            body: Record = {"id": record_id}
            if kind == "lead" and record and deed == "delete":
                body |= {"status_id": record["status_id"], "pipeline_id": record["pipeline_id"]}
            elif record and deed != "delete":
                body |= self._hook_body(kind, deed, record)
        if kind != "lead":
            body["type"] = kind
        form = [*php_form(f"{'leads' if kind == 'lead' else 'contacts'}[{deed}][0]", body)]
        form += [("account[id]", str(self.account_id)), ("account[subdomain]", self.subdomain)]
        return urlencode(form).encode()

    def _hook_body(self, kind: str, deed: str, record: Record) -> Record:
        body = {key: record[key] for key in ("name", "responsible_user_id", "account_id")}
        body |= {"created_user_id": record["created_by"], "modified_user_id": record["updated_by"]}
        body |= {"date_create": record["created_at"], "last_modified": record["updated_at"]}
        if kind == "lead":
            body |= {key: record[key] for key in ("price", "status_id", "pipeline_id")}
        if deed == "status":
            moves = reversed(self.records["event"].values())
            key = ("lead_status_changed", record["id"])
            last = next((one for one in moves if (one["type"], one["entity_id"]) == key), None)
            if last:
                old = last["value_before"][0]["lead_status"]
                body["old_status_id"] = old["id"]
                if old["pipeline_id"] != record["pipeline_id"]:
                    body["old_pipeline_id"] = old["pipeline_id"]
        fields = []
        for one in record["custom_fields_values"] or ():
            values = [
                {"value": value["value"]} | ({"enum": value["enum_id"]} if "enum_id" in value else {})
                for value in one["values"]
            ]
            code = {"code": one["field_code"]} if one["field_code"] else {}
            fields.append({"id": one["field_id"], "name": one["field_name"]} | code | {"values": values})
        return body | {"custom_fields": fields}
