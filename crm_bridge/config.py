"""hotline.toml: read, checked at start, every key also as `HOTLINE_<SECTION>__<KEY>`.

A mistake names the key and the mend. Secrets come from the environment or a file and are never
shown. The names are a contract with those who run the hotline; see docs/configuration.md.
"""

from __future__ import annotations

import re
import ssl
import tomllib
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from crm_bridge.config_door import DoorSection
from crm_bridge.config_hours import HoursSection
from crm_bridge.config_operations import BackupSection, HealthSection, MetricsSection
from crm_bridge.config_outside import (
    ConnectorSection,
    MailSection,
    MessagesSection,
    OidcSection,
    Section,
    guarded,
)
from crm_bridge.config_recordings import RecordingsSection
from crm_bridge.config_retention import RetentionSection
from crm_bridge.config_selfservice import CallbackSection, SelfServiceSection
from crm_bridge.config_supervision import SupervisionSection
from crm_bridge.errors import ConfigMistake
from ivr.ami.address import NodeAddress, Tls
from ivr.calls.directory import Agency, Directory

Service = Literal["information", "complaint", "appointment", "market_information"]


class DatabaseSection(Section):
    """[database]"""

    url: str = Field("sqlite:///hotline.db", description="sqlite:///FILE or postgresql://…")


class NodeSection(Section):
    """[[node]]: one Asterisk."""

    name: str | None = Field(None, description="default: Asterisk's systemname")
    ami_host: str = Field("127.0.0.1", description="where its AMI listens")
    ami_port: int = Field(5038, ge=1, le=65535, description="the port of its AMI")
    ami_username: str = Field("hotline", description="the AMI user of manager.conf")
    ami_secret: SecretStr | None = Field(None, description="the user's secret")
    ami_secret_file: Path | None = Field(None, description="a file that holds the secret instead")
    ami_tls: bool = Field(False, description="its AMI speaks TLS at that port")
    ami_ca_file: Path | None = Field(
        None, description="who vouches for its certificate; without one the system's authorities"
    )
    ami_tls_name: str | None = Field(
        None, description="the certificate's name where it is not ami_host"
    )
    cel_file: Path | None = Field(None, description="CEL's CSV file; read by reconcile")
    queue_log_file: Path | None = Field(None, description="queue_log; read by reconcile")
    sounds: Path | None = Field(
        None, description="`sounds` of Asterisk's data, as this machine sees it; the doctor looks"
    )

    takes: Path | None = Field(
        None, description="where its Asterisk lays prompts recorded by telephone, as `sounds`"
    )
    recordings: Path | None = Field(
        None, description="where its Asterisk lays recorded conversations down, as `sounds`"
    )

    @model_validator(mode="after")
    def _has_secret(self) -> NodeSection:
        if self.ami_secret is None and self.ami_secret_file is None:
            raise ValueError("no secret: give ami_secret or ami_secret_file")
        if not self.ami_tls and (self.ami_ca_file or self.ami_tls_name):
            raise ValueError("ami_ca_file and ami_tls_name are for ami_tls = true")
        return self

    def address(self) -> NodeAddress:
        """Where its AMI is and who we are there; ConfigMistake where a file cannot be read."""
        tls = Tls(self.ami_ca_file, self.ami_tls_name) if self.ami_tls else None
        return NodeAddress(self.ami_host, self.ami_port, self.ami_username, self.secret(), tls)

    @property
    def label(self) -> str:
        """The node's name, or its address while Asterisk has not told its systemname."""
        return self.name or f"{self.ami_host}:{self.ami_port}"

    def secret(self) -> str:
        """The AMI secret; raises ConfigMistake where its file cannot be read."""
        if self.ami_secret is not None:
            return self.ami_secret.get_secret_value()
        path = self.ami_secret_file
        try:
            return path.read_text(encoding="utf-8").strip() if path else ""
        except OSError as error:
            raise ConfigMistake(
                f"cannot read {path}: {error.strerror}",
                where="node.ami_secret_file",
                mend="name a file that the bridge's user may read",
            ) from error


class LineSection(Section):
    """[line]"""

    numbers: list[str] = Field(["1203"], description="dialled numbers that are the hotline")
    entry_contexts: list[str] = Field(
        ["from-trunk"], description="a channel that starts here dialling a number is a caller"
    )
    short_call_seconds: float = Field(
        1.0, ge=0, description="a call that ends sooner without reaching a queue is short"
    )
    short_wait_seconds: float = Field(
        5.0, ge=0, description="a queue left sooner by hanging up is a short call"
    )
    menu: Path | None = Field(
        None, description="the site's own menu.toml, as installed; the desk shows it"
    )


class QueueSection(Section):
    """[queue.NAME]"""

    service: Service = Field(description="the service this Asterisk queue stands for")
    number: str = Field(
        "", pattern=r"^[0-9*#]*$", description="what officers dial to hand a caller into it"
    )
    service_level_seconds: float = Field(
        20.0, gt=0, description="within so long a caller is to be answered"
    )
    service_level_target: float = Field(
        0.8, gt=0, le=1, description="the share of callers who are to be answered within that"
    )


class AgentsSection(Section):
    """[agents]"""

    interfaces: list[str] = Field(
        ["PJSIP/1[0-9][0-9][0-9]"], description="globs of the officers' interfaces"
    )


class AgencySection(Section):
    """[agency.ID]"""

    name_th: str = Field("", description="Thai name")
    name_en: str = Field("", description="English name")
    numbers: list[str] = Field([], description="dialled numbers that are this agency")
    interfaces: list[str] = Field([], description="globs of its interfaces")
    kind: Literal["department", "division", "province"] = Field(
        "department", description="what it is, for the directory"
    )
    province: str = Field("", description="the Thai name of its province, where it has one")
    hours: str = Field(
        "08:30-16:30",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$",
        description="its office hours on working days, Bangkok time; empty: always open",
    )


class MenuSection(BaseModel):
    """[menu]: keys besides `context` are the digits pressed, their value the service."""

    model_config = ConfigDict(extra="allow", frozen=True)
    context: str | None = Field(
        None, description="the menu's context, where the dialplan has no markers of ours"
    )
    __pydantic_extra__: dict[str, Service]

    @model_validator(mode="after")
    def _keys_are_digits(self) -> MenuSection:
        for key in self.__pydantic_extra__:
            if len(key) != 1 or key not in "0123456789*#":
                raise ValueError(f"{key!r} is no telephone key; use one of 0-9 * #")
        return self


class WebSection(Section):
    """[web]"""

    host: str = Field("127.0.0.1", description="address the pages listen on")
    port: int = Field(8203, ge=0, le=65535, description="their port")
    address: str = Field(
        "", description="the desk as browsers reach it, https://…; for links in other systems"
    )
    tls_cert: Path | None = Field(
        None, description="the certificate (PEM, with its chain): the pages speak TLS themselves"
    )
    tls_key: Path | None = Field(None, description="its private key (PEM)")
    https: bool = Field(False, description="people reach the pages over TLS, ended by a proxy")
    proxies: list[str] = Field(
        ["127.0.0.1"], description="addresses of proxies whose X-Forwarded-For is believed"
    )

    @model_validator(mode="after")
    def _address_is_guarded(self) -> WebSection:
        if self.address and not guarded(self.address):
            raise ValueError("web.address must be https://… (http:// only on loopback)")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("web.tls_cert and web.tls_key go together")
        return self

    def tls(self) -> ssl.SSLContext | None:
        """What the pages speak TLS with; ConfigMistake where certificate and key are none."""
        if self.tls_cert is None or self.tls_key is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.tls_cert, self.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigMistake(
                f"{self.tls_cert} and {self.tls_key} cannot be used: {error.strerror or error}",
                where="web.tls_cert",
                mend="give a PEM certificate and its own key, readable by the bridge's user",
            ) from error
        return context


URL_POP_FIELDS: Final = (
    "e164", "number", "name", "call_id", "agent", "queue", "service", "language",
)  # fmt: skip
"""What a URL pop may name of a call, each in braces."""


class DeskSection(Section):
    """[desk]: the agent's page."""

    url_pop: str = Field(
        "", description="the address a call opens elsewhere; `{e164}`, `{call_id}` … are filled in"
    )
    notification: Literal["number", "name", "nothing"] = Field(
        "number", description="what a browser's notification may show of a caller"
    )
    data_dir: Path = Field(Path("desk-data"), description="where files of cases are kept")
    attachment_megabytes: float = Field(
        10.0, gt=0, le=10, description="the largest file of a case (1 MB = 1,048,576 bytes)"
    )

    @model_validator(mode="after")
    def _url_is_safe(self) -> DeskSection:
        if not self.url_pop:
            return self
        parts = urlsplit(self.url_pop)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError("url_pop must begin with http:// or https:// and name a host")
        if any(c in "{}@" for c in parts.netloc):
            raise ValueError("url_pop: the host must stand as it is: no field, no login")
        if any(c.isspace() or not c.isprintable() for c in self.url_pop):
            raise ValueError("url_pop must not hold spaces")
        for name in re.findall(r"\{([^{}]*)\}", self.url_pop):
            if name not in URL_POP_FIELDS:
                raise ValueError(f"url_pop: {{{name}}} is not known; use {URL_POP_FIELDS}")
        return self


class WallboardSection(Section):
    """[wallboard]"""

    agents: bool = Field(True, description="agents may look at the wallboard, too")


class ReportsSection(Section):
    """[reports]: the monthly report and what is published."""

    mail_to: list[str] = Field([], description="who is told by e-mail that a report is made")
    language: Literal["th", "en"] = Field("th", description="in which it is written")
    working_day: int = Field(
        1, ge=1, le=15, description="on which working day of the next month it is made"
    )
    public: bool = Field(True, description="whether /public/ is served")

    @model_validator(mode="after")
    def _addresses(self) -> ReportsSection:
        for address in self.mail_to:
            user, at, domain = address.partition("@")
            plain = address.isascii() and address.isprintable() and " " not in address
            if not (user and at and "." in domain and plain) or "@" in domain:
                raise ValueError(f"reports.mail_to: {address!r} is no e-mail address")
        return self


class _Environment(PydanticBaseSettingsSource):
    """The environment: HOTLINE_NODE__KEY is the first node's, HOTLINE_NODE__2__KEY the third's."""

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        environment: PydanticBaseSettingsSource,
        file: PydanticBaseSettingsSource,
    ) -> None:
        super().__init__(settings_cls)
        self._environment = environment
        self._file = file

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the values come from the wrapped source."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values = self._environment()
        nodes = values.get("node")
        if not isinstance(nodes, dict):
            return values
        merged = [dict(node) for node in self._file().get("node", [])]
        for key, value in nodes.items():
            index, settings = (int(key), value) if key.isdigit() else (0, {key: value})
            while len(merged) <= index:
                merged.append({})
            merged[index].update(settings)
        return {**values, "node": merged}


class Config(BaseSettings):
    """The whole configuration; build it with `load_config`."""

    model_config = SettingsConfigDict(
        env_prefix="HOTLINE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    database: DatabaseSection = DatabaseSection()
    node: list[NodeSection] = []
    line: LineSection = LineSection()
    queue: dict[str, QueueSection] = {}
    agents: AgentsSection = AgentsSection()
    agency: dict[str, AgencySection] = {}
    menu: MenuSection = MenuSection()
    web: WebSection = WebSection()
    messages: MessagesSection = MessagesSection()
    mail: MailSection = MailSection()
    desk: DeskSection = DeskSection()
    supervision: SupervisionSection = SupervisionSection()
    wallboard: WallboardSection = WallboardSection()
    selfservice: SelfServiceSection | None = None
    hours: HoursSection | None = None
    door: DoorSection = DoorSection()
    recordings: RecordingsSection = RecordingsSection()
    retention: RetentionSection = RetentionSection()
    callback: CallbackSection | None = None
    reports: ReportsSection = ReportsSection()
    oidc: OidcSection = OidcSection()
    health: HealthSection = HealthSection()
    metrics: MetricsSection = MetricsSection()
    backup: BackupSection = BackupSection()
    connector: dict[str, ConnectorSection] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands over the file; of [[node]] it may set keys one by one."""
        return _Environment(settings_cls, env_settings, init_settings), init_settings

    @model_validator(mode="after")
    def _nodes_differ(self) -> Config:
        names = [node.label for node in self.node]
        if len(set(names)) != len(names):
            raise ValueError("two [[node]] have the same name; give each its own")
        return self

    @model_validator(mode="after")
    def _wishes_are_taken(self) -> Config:
        if self.callback is not None and self.selfservice is None:
            raise ValueError(
                "callback: needs [selfservice], by which callers ask for it; add it, or take "
                "[callback] out"
            )
        return self

    @model_validator(mode="after")
    def _connectors_can_be_named(self) -> Config:
        for name in self.connector:
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name) or name == "embedded":
                raise ValueError(
                    f"connector.{name}: a name is a-z 0-9 _ -, begins with a letter, "
                    "and is not `embedded`"
                )
        return self

    def directory(self) -> Directory:
        """Who is who, as the tracker asks it."""
        return Directory(
            numbers=tuple(self.line.numbers),
            entry_contexts=frozenset(self.line.entry_contexts),
            services={name: queue.service for name, queue in self.queue.items()},
            agent_patterns=tuple(self.agents.interfaces),
            agencies=tuple(
                Agency(key, a.name_th, a.name_en, tuple(a.numbers), tuple(a.interfaces))
                for key, a in self.agency.items()
            ),
            menu_context=self.menu.context,
            menu_services=dict(self.menu.__pydantic_extra__),
            short_call_seconds=self.line.short_call_seconds,
            short_wait_seconds=self.line.short_wait_seconds,
        )

    def menu_contexts(self) -> tuple[str, ...]:
        """Contexts whose every step the bridge wants to hear of."""
        return (self.menu.context,) if self.menu.context else ()


def load_config(path: Path) -> Config:
    """Reads and checks the file; raises ConfigMistake that names the key and the mend.

    The environment stands over the file. Folders that are not absolute lie beside the file, from
    wherever the program is started.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigMistake(
            "there is no such file", where=str(path), mend="give --config, or `hotline lab up`"
        ) from None
    except OSError as error:
        raise ConfigMistake(
            f"cannot be read: {error.strerror}", where=str(path), mend="check its permissions"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigMistake(
            f"is not TOML: {error}", where=str(path), mend="correct that line"
        ) from error
    try:
        read = Config(**data)
    except ValidationError as error:
        raise _mistake(path, error) from None
    beside = path.absolute().parent
    return read.model_copy(
        update={
            "messages": read.messages.model_copy(update={"folder": beside / read.messages.folder}),
            "mail": read.mail.model_copy(update={"folder": beside / read.mail.folder}),
            "connector": {
                name: section.model_copy(
                    update={"mapping": beside / section.mapping if section.mapping else None}
                )
                for name, section in read.connector.items()
            },
            "desk": read.desk.model_copy(update={"data_dir": beside / read.desk.data_dir}),
            "backup": read.backup.model_copy(
                update={
                    "also": [beside / place for place in read.backup.also],
                    "folder": beside / read.backup.folder if read.backup.folder else None,
                }
            ),
        }
    )


_MENDS = {
    "missing": "add it",
    "extra_forbidden": "there is no such key here: remove it, or correct its spelling",
    "int_parsing": "give a whole number",
    "float_parsing": "give a number",
    "literal_error": "use one of the values named",
    "string_type": 'give a text in "quotes"',
    "list_type": "give a list in [brackets]",
    "model_type": "give a [section]",
}


def _mistake(path: Path, error: ValidationError) -> ConfigMistake:
    lines = []
    mends = []
    for fault in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in fault["loc"]) or "(whole file)"
        lines.append(f"{key}: {fault['msg'].removeprefix('Value error, ')}")
        mends.append(_MENDS.get(fault["type"], "correct that value"))
    what = "; ".join(lines)
    return ConfigMistake(what, where=str(path), mend="; ".join(dict.fromkeys(mends)))
