/* Every function that needs neither an owner nor a hypervisor, used right and in every wrong way; owner.c and live/c/online.c have
 * the rest. The argument is a folder that stands for a host. C and C++. */
#include "check.h"

static const char *const BAD = "\xff\xfe";

/* Something that is no handle of any kind. */
static char garbage[64];

static void versions(void)
{
    CHECK(virtsev_abi_version() == VIRTSEV_ABI_VERSION);
    CHECK(strcmp(virtsev_version(), VIRTSEV_VERSION) == 0);
    /* Numbers that callers have in their programs. */
    CHECK(VIRTSEV_ERR_NO == -1 && VIRTSEV_ERR_USAGE == -2 && VIRTSEV_ERR_INSECURE == -3 && VIRTSEV_ERR_CONFIG == -4);
    CHECK(VIRTSEV_ERR_DOMAIN == -5 && VIRTSEV_ERR_FIRMWARE == -6 && VIRTSEV_ERR_CERTIFICATE == -7);
    CHECK(VIRTSEV_ERR_SESSION == -8 && VIRTSEV_ERR_FILE == -9 && VIRTSEV_ERR_HYPERVISOR == -10);
    CHECK(VIRTSEV_ERR_STATE == -11 && VIRTSEV_ERR_TIMEOUT == -12 && VIRTSEV_ERR_BUG == -13);
    CHECK(VIRTSEV_ERR_CANCELLED == -14);
}

static void errors(void)
{
    virtsev_config *config = virtsev_config_new();
    virtsev_error *err = NULL;
    int code = virtsev_config_set(config, "security.sev.polcy", "1", &err);
    CHECK(code == VIRTSEV_ERR_CONFIG && virtsev_error_code(err) == code);
    CHECK(strcmp(virtsev_error_name(err), "VIRTSEV_ERR_CONFIG") == 0);
    CHECK(strstr(virtsev_error_message(err), "security.sev.polcy (virtsev_config_set): there is no such key") != NULL);
    CHECK(strstr(virtsev_error_message(err), "Did you mean") == NULL);
    CHECK(strstr(virtsev_error_hint(err), "Did you mean security.sev.policy?") != NULL);
    CHECK(strstr(virtsev_error_json(err), "{\"schema\":\"virt-sev/error/1\",\"code\":-4,") == virtsev_error_json(err));
    /* The strings stay where they are. */
    CHECK(virtsev_error_message(err) == virtsev_error_message(err));
    virtsev_error_free(err);

    /* Of an error that was freed nothing is read. */
    CHECK(virtsev_error_code(err) == 0 && virtsev_error_name(err) == NULL && virtsev_error_json(err) == NULL);
    CHECK(virtsev_error_message(err) == NULL && virtsev_error_hint(err) == NULL);
    virtsev_error_free(err);
    CHECK(virtsev_error_code(NULL) == 0 && virtsev_error_name(NULL) == NULL && virtsev_error_json(NULL) == NULL);
    CHECK(virtsev_error_message(NULL) == NULL && virtsev_error_hint(NULL) == NULL);
    CHECK(virtsev_error_code((const virtsev_error *)(const void *)config) == 0);
    virtsev_error_free(NULL);
    virtsev_error_free((virtsev_error *)(void *)config);

    /* A failure without a hint, a call without a place for the error, and one that succeeds leaves it alone. */
    code = virtsev_config_set(config, NULL, "1", &err);
    CHECK(code == VIRTSEV_ERR_USAGE && virtsev_error_hint(err) == NULL);
    virtsev_error_free(err);
    CHECK(virtsev_config_set(config, NULL, "1", NULL) == VIRTSEV_ERR_USAGE);
    err = (virtsev_error *)(void *)garbage;
    CHECK(virtsev_config_set(config, "security.sev", "true", &err) == 0 && err == (virtsev_error *)(void *)garbage);

    /* Every problem of one call. */
    CHECK(virtsev_config_set(config, "security.sev.snp", "true", NULL) == 0);
    CHECK(virtsev_config_set(config, "security.sev.policy.es", "true", NULL) == 0);
    CHECK(virtsev_config_set(config, "security.sev.memory.hard_limit", "1GiB", NULL) == 0);
    char *json = NULL;
    code = virtsev_config_json(config, &json, &err);
    CHECK(code == VIRTSEV_ERR_CONFIG && json == NULL);
    CHECK(strchr(virtsev_error_message(err), '\n') != NULL && strchr(virtsev_error_hint(err), '\n') != NULL);
    virtsev_error_free(err);
    virtsev_config_free(config);
}

static void strings(void)
{
    virtsev_config *config = virtsev_config_new();
    char *json = NULL;
    DONE(virtsev_config_json(config, &json, &err));
    /* A string is the caller's: it may be written to, and shortened. */
    json[1] = '\0';
    virtsev_string_free(json);
    virtsev_string_free(json);
    virtsev_string_free(NULL);
    virtsev_string_free(garbage);
    virtsev_string_free((char *)config);
    DONE(virtsev_config_json(config, &json, &err));
    CHECK(strlen(json) > 20);
    virtsev_string_free(json);
    virtsev_config_free(config);
}

static void configs(const char *host)
{
    virtsev_config *config = virtsev_config_new();
    char *json = NULL;
    CHECK(config != NULL);
    DONE(virtsev_config_json(config, &json, &err));
    CHECK(strstr(json, "\"mode\":null") != NULL && strstr(json, "\"security.sev\":\"false\"") != NULL);
    virtsev_string_free(json);

    DONE(virtsev_config_load(config, "security.sev: true\nsecurity.sev.policy.es: false\n", NULL, &err));
    DONE(virtsev_config_set(config, "security.sev.policy.es", "true", &err));
    DONE(virtsev_config_json(config, &json, &err));
    CHECK(strstr(json, "\"mode\":\"sev-es\"") != NULL && strstr(json, "\"security.sev.policy.es\":\"true\"") != NULL);
    virtsev_string_free(json);
    /* Taken back, the document's value counts again; a failed change changes nothing. */
    DONE(virtsev_config_set(config, "security.sev.policy.es", NULL, &err));
    REFUSED(virtsev_config_set(config, "security.sev", "maybe", &err), VIRTSEV_ERR_CONFIG, "found 'maybe'");
    REFUSED(virtsev_config_load(config, "a: [", NULL, &err), VIRTSEV_ERR_CONFIG, "document 2");
    DONE(virtsev_config_json(config, &json, &err));
    CHECK(strstr(json, "\"mode\":\"sev\"") != NULL);
    virtsev_string_free(json);
    /* Unset, the document's value is hidden. */
    DONE(virtsev_config_set(config, "security.sev", "", &err));
    DONE(virtsev_config_set(config, "security.sev.policy.es", "", &err));
    DONE(virtsev_config_json(config, &json, &err));
    CHECK(strstr(json, "\"mode\":null") != NULL);
    virtsev_string_free(json);

    /* Documents of others, recognised or named. */
    virtsev_config *other = virtsev_config_new();
    DONE(virtsev_config_load(other, "{\"properties\": {\"hw:mem_encryption\": \"true\"}}", "nova", &err));
    DONE(virtsev_config_load(other, "amd-sev: std,no-debug=1\n", "auto", &err));
    DONE(virtsev_config_json(other, &json, &err));
    CHECK(strstr(json, "\"mode\":\"sev\"") != NULL);
    virtsev_string_free(json);
    REFUSED(virtsev_config_load(other, "a: b", "xen", &err), VIRTSEV_ERR_USAGE, "wanted auto, lxd");
    virtsev_config_free(other);

    REFUSED(virtsev_config_set(config, NULL, "x", &err), VIRTSEV_ERR_USAGE, "key: NULL");
    REFUSED(virtsev_config_set(config, BAD, "x", &err), VIRTSEV_ERR_USAGE, "key: not text in UTF-8");
    REFUSED(virtsev_config_set(config, "security.sev", BAD, &err), VIRTSEV_ERR_USAGE, "value: not text");
    REFUSED(virtsev_config_set(NULL, "security.sev", "x", &err), VIRTSEV_ERR_USAGE, "virtsev_config: NULL");
    REFUSED(virtsev_config_load(config, NULL, NULL, &err), VIRTSEV_ERR_USAGE, "document: NULL");
    REFUSED(virtsev_config_load(config, BAD, NULL, &err), VIRTSEV_ERR_USAGE, "document: not text");
    REFUSED(virtsev_config_load(config, "a: b", BAD, &err), VIRTSEV_ERR_USAGE, "format: not text");
    REFUSED(virtsev_config_load(NULL, "a: b", NULL, &err), VIRTSEV_ERR_USAGE, "virtsev_config: NULL");
    REFUSED(virtsev_config_json(NULL, &json, &err), VIRTSEV_ERR_USAGE, "virtsev_config: NULL");
    REFUSED(virtsev_config_json(config, NULL, &err), VIRTSEV_ERR_USAGE, "out: NULL");

    DONE(virtsev_config_option(config, "skip", "kvm", &err));
    DONE(virtsev_config_option(config, "skip", "mode-host", &err));
    REFUSED(virtsev_config_option(config, "skip", "no-such-rule", &err), VIRTSEV_ERR_USAGE, "skip: no such rule");
    DONE(virtsev_config_option(config, "skip", NULL, &err));
    DONE(virtsev_config_option(config, "record", "true", &err));
    REFUSED(virtsev_config_option(config, "record", "1", &err), VIRTSEV_ERR_USAGE, "wanted true or false");
    DONE(virtsev_config_option(config, "record", "false", &err));
    DONE(virtsev_config_option(config, "no-metadata", "true", &err));
    DONE(virtsev_config_option(config, "injects-secret", NULL, &err));
    DONE(virtsev_config_option(config, "timeout", "5", &err));
    REFUSED(virtsev_config_option(config, "timeout", "0", &err), VIRTSEV_ERR_USAGE, "a number of seconds");
    REFUSED(virtsev_config_option(config, "timeout", "-1", &err), VIRTSEV_ERR_USAGE, "found '-1'");
    DONE(virtsev_config_option(config, "timeout", NULL, &err));
    DONE(virtsev_config_option(config, "host-root", host, &err));
    REFUSED(virtsev_config_option(config, "host-root", "/no/such", &err), VIRTSEV_ERR_FILE, "/no/such");
    REFUSED(virtsev_config_option(config, "colour", "true", &err), VIRTSEV_ERR_USAGE, "wanted skip, record");
    REFUSED(virtsev_config_option(config, NULL, "true", &err), VIRTSEV_ERR_USAGE, "name: NULL");
    REFUSED(virtsev_config_option(config, BAD, "true", &err), VIRTSEV_ERR_USAGE, "name: not text");
    REFUSED(virtsev_config_option(config, "record", BAD, &err), VIRTSEV_ERR_USAGE, "value: not text");
    REFUSED(virtsev_config_option(NULL, "record", "true", &err), VIRTSEV_ERR_USAGE, "virtsev_config: NULL");

    virtsev_config_free(config);
    virtsev_config_free(config);
    virtsev_config_free(NULL);
    virtsev_config_free((virtsev_config *)(void *)garbage);
    REFUSED(virtsev_config_set(config, "security.sev", "true", &err), VIRTSEV_ERR_USAGE, "was freed");
    REFUSED(virtsev_config_set((virtsev_config *)(void *)garbage, "security.sev", "true", &err), VIRTSEV_ERR_USAGE,
            "or never was one");
}

static void plans(const char *host)
{
    virtsev_config *config = virtsev_config_new();
    virtsev_plan *plan = NULL, *none = NULL;
    char *out = NULL, *xml = NULL, *again = NULL;

    /* Without keys a document stays as it is. */
    DONE(virtsev_apply(config, DOMAIN, &out, &err));
    CHECK(strcmp(out, DOMAIN) == 0);
    virtsev_string_free(out);

    DONE(virtsev_config_set(config, "security.sev", "true", &err));
    DONE(virtsev_apply(config, DOMAIN, &out, &err));
    CHECK(strstr(out, "<launchSecurity type='sev'>") != NULL);
    DONE(virtsev_apply(config, out, &again, &err));
    CHECK(strcmp(out, again) == 0);
    virtsev_string_free(again);

    DONE(virtsev_plan_new(config, NULL, DOMAIN, &plan, &err));
    virtsev_config_free(config);
    DONE(virtsev_plan_json(plan, &again, &err));
    CHECK(strstr(again, "{\"schema\":\"virt-sev/plan/1\",\"mode\":\"sev\",\"errors\":0,\"edits\":[{\"rule\":") == again);
    virtsev_string_free(again);
    DONE(virtsev_plan_xml(plan, &xml, &err));
    CHECK(strcmp(out, xml) == 0);
    virtsev_string_free(xml);
    virtsev_string_free(out);
    REFUSED(virtsev_plan_json(plan, NULL, &err), VIRTSEV_ERR_USAGE, "out: NULL");
    REFUSED(virtsev_plan_xml(plan, NULL, &err), VIRTSEV_ERR_USAGE, "out: NULL");
    REFUSED(virtsev_config_json((const virtsev_config *)(const void *)plan, &out, &err), VIRTSEV_ERR_USAGE,
            "virtsev_config: the handle is of another kind");
    /* Freed as another kind, it stays. */
    virtsev_config_free((virtsev_config *)(void *)plan);
    DONE(virtsev_plan_json(plan, &again, &err));
    virtsev_string_free(again);
    virtsev_plan_free(plan);
    virtsev_plan_free(plan);
    virtsev_plan_free(NULL);
    REFUSED(virtsev_plan_json(plan, &out, &err), VIRTSEV_ERR_USAGE, "virtsev_plan: the handle was freed");
    REFUSED(virtsev_plan_xml(plan, &out, &err), VIRTSEV_ERR_USAGE, "virtsev_plan: the handle was freed");
    REFUSED(virtsev_plan_json(NULL, &out, &err), VIRTSEV_ERR_USAGE, "NULL");
    REFUSED(virtsev_plan_xml(NULL, &out, &err), VIRTSEV_ERR_USAGE, "NULL");

    /* The keys in its metadata count, until they are not wanted. */
    config = virtsev_config_new();
    DONE(virtsev_apply(config, KEYED_DOMAIN, &out, &err));
    CHECK(strstr(out, "<launchSecurity type='sev'>") != NULL);
    virtsev_string_free(out);
    DONE(virtsev_config_option(config, "no-metadata", "true", &err));
    DONE(virtsev_apply(config, KEYED_DOMAIN, &out, &err));
    CHECK(strcmp(out, KEYED_DOMAIN) == 0);
    virtsev_string_free(out);
    virtsev_config_free(config);

    /* A document that no rule can make right: the plan says so, and there is no document. */
    config = virtsev_config_new();
    DONE(virtsev_config_set(config, "security.sev", "true", &err));
    out = garbage;
    REFUSED(virtsev_apply(config, WRONG_DOMAIN, &out, &err), VIRTSEV_ERR_DOMAIN, "/domain/os/type");
    CHECK(out == garbage);
    DONE(virtsev_plan_new(config, NULL, WRONG_DOMAIN, &plan, &err));
    DONE(virtsev_plan_json(plan, &again, &err));
    CHECK(strstr(again, "\"severity\":\"error\"") != NULL && strstr(again, "\"errors\":0") == NULL);
    virtsev_string_free(again);
    REFUSED(virtsev_plan_xml(plan, &out, &err), VIRTSEV_ERR_DOMAIN, "/domain/os/type");
    CHECK(out == garbage);
    virtsev_plan_free(plan);

    /* A host that can do nothing. */
    DONE(virtsev_config_option(config, "host-root", host, &err));
    REFUSED(virtsev_apply(config, DOMAIN, &out, &err), VIRTSEV_ERR_NO, "sev");
    DONE(virtsev_plan_new(config, NULL, DOMAIN, &plan, &err));
    DONE(virtsev_plan_json(plan, &again, &err));
    CHECK(strstr(again, "\"id\":\"mode-host\"") != NULL);
    virtsev_string_free(again);
    virtsev_plan_free(plan);
    DONE(virtsev_config_option(config, "host-root", NULL, &err));

    REFUSED(virtsev_apply(NULL, DOMAIN, &out, &err), VIRTSEV_ERR_USAGE, "NULL");
    REFUSED(virtsev_apply(config, NULL, &out, &err), VIRTSEV_ERR_USAGE, "xml: NULL");
    REFUSED(virtsev_apply(config, BAD, &out, &err), VIRTSEV_ERR_USAGE, "xml: not text");
    REFUSED(virtsev_apply(config, DOMAIN, NULL, &err), VIRTSEV_ERR_USAGE, "out: NULL");
    REFUSED(virtsev_apply(config, "", &out, &err), VIRTSEV_ERR_DOMAIN, "");
    REFUSED(virtsev_apply(config, "<network/>", &out, &err), VIRTSEV_ERR_DOMAIN, "");
    REFUSED(virtsev_plan_new(NULL, NULL, DOMAIN, &none, &err), VIRTSEV_ERR_USAGE, "NULL");
    REFUSED(virtsev_plan_new(config, NULL, NULL, &none, &err), VIRTSEV_ERR_USAGE, "xml: NULL");
    REFUSED(virtsev_plan_new(config, NULL, BAD, &none, &err), VIRTSEV_ERR_USAGE, "xml: not text");
    REFUSED(virtsev_plan_new(config, NULL, DOMAIN, NULL, &err), VIRTSEV_ERR_USAGE, "out: NULL");
    REFUSED(virtsev_plan_new(config, NULL, "<domain>", &none, &err), VIRTSEV_ERR_DOMAIN, "");
    CHECK(none == NULL);
    virtsev_config_free(config);
}

static void lints(void)
{
    char *json = NULL;
    virtsev_config *config = virtsev_config_new();
    DONE(virtsev_lint(NULL, DOMAIN, &json, &err));
    CHECK(strstr(json, "{\"schema\":\"virt-sev/lint/1\",\"errors\":0,\"warnings\":0,") == json);
    CHECK(strstr(json, "not a SEV domain") != NULL);
    virtsev_string_free(json);
    DONE(virtsev_config_set(config, "security.sev", "true", &err));
    DONE(virtsev_config_option(config, "record", "true", &err));
    DONE(virtsev_lint(config, WRONG_DOMAIN, &json, &err));
    CHECK(strstr(json, "\"keys\":\"options\",\"mode\":\"sev\"") != NULL && strstr(json, "\"line\":1") != NULL);
    virtsev_string_free(json);
    DONE(virtsev_config_set(config, "security.sev.snp.vcek", "true", &err));
    REFUSED(virtsev_lint(config, DOMAIN, &json, &err), VIRTSEV_ERR_CONFIG, "security.sev.snp.vcek");
    REFUSED(virtsev_lint(config, NULL, &json, &err), VIRTSEV_ERR_USAGE, "xml: NULL");
    REFUSED(virtsev_lint(config, BAD, &json, &err), VIRTSEV_ERR_USAGE, "xml: not text");
    REFUSED(virtsev_lint(config, DOMAIN, NULL, &err), VIRTSEV_ERR_USAGE, "out: NULL");
    REFUSED(virtsev_lint(NULL, "<domain", &json, &err), VIRTSEV_ERR_DOMAIN, "");
    virtsev_config_free(config);
    REFUSED(virtsev_lint(config, DOMAIN, &json, &err), VIRTSEV_ERR_USAGE, "was freed");
}

static void hosts(void)
{
    char *json = NULL;
    DONE(virtsev_host(NULL, &json, &err));
    CHECK(strstr(json, "{\"schema\":\"virt-sev/host/1\",") == json && strstr(json, "sev-snp") != NULL);
    virtsev_string_free(json);
    REFUSED(virtsev_host(NULL, NULL, &err), VIRTSEV_ERR_USAGE, "out: NULL");
}

static void cancels(void)
{
    virtsev_cancel *cancel = virtsev_cancel_new();
    CHECK(cancel != NULL);
    DONE(virtsev_cancel_ask(cancel, &err));
    DONE(virtsev_cancel_ask(cancel, &err));
    virtsev_cancel_free(cancel);
    virtsev_cancel_free(cancel);
    virtsev_cancel_free(NULL);
    REFUSED(virtsev_cancel_ask(cancel, &err), VIRTSEV_ERR_USAGE, "virtsev_cancel: the handle was freed");
    REFUSED(virtsev_cancel_ask(NULL, &err), VIRTSEV_ERR_USAGE, "NULL");
}

static void drivers(void)
{
    const struct virtsev_driver *driver = virtsev_driver_get(VIRTSEV_ABI_VERSION);
    CHECK(driver != NULL && driver->size == sizeof *driver && driver->abi == VIRTSEV_ABI_VERSION);
    CHECK(virtsev_driver_get(0) == NULL && virtsev_driver_get(VIRTSEV_ABI_VERSION + 1) == NULL);
    CHECK(virtsev_driver_get(UINT32_MAX) == NULL);
    CHECK(driver->abi_version == virtsev_abi_version && driver->version == virtsev_version);
    CHECK(driver->handle_count == virtsev_handle_count && driver->error_code == virtsev_error_code);
    CHECK(driver->error_name == virtsev_error_name && driver->error_message == virtsev_error_message);
    CHECK(driver->error_hint == virtsev_error_hint && driver->error_json == virtsev_error_json);
    CHECK(driver->error_free == virtsev_error_free && driver->string_free == virtsev_string_free);
    CHECK(driver->config_new == virtsev_config_new && driver->config_set == virtsev_config_set);
    CHECK(driver->config_load == virtsev_config_load && driver->config_option == virtsev_config_option);
    CHECK(driver->config_json == virtsev_config_json && driver->config_free == virtsev_config_free);
    CHECK(driver->apply == virtsev_apply && driver->plan_new == virtsev_plan_new);
    CHECK(driver->plan_json == virtsev_plan_json && driver->plan_xml == virtsev_plan_xml);
    CHECK(driver->plan_free == virtsev_plan_free && driver->lint == virtsev_lint && driver->host == virtsev_host);
    CHECK(driver->cancel_new == virtsev_cancel_new && driver->cancel_ask == virtsev_cancel_ask);
    CHECK(driver->cancel_free == virtsev_cancel_free);
    CHECK(driver->owner_new == virtsev_owner_new && driver->owner_set == virtsev_owner_set);
    CHECK(driver->owner_keys == virtsev_owner_keys && driver->owner_secret == virtsev_owner_secret);
    CHECK(driver->owner_free == virtsev_owner_free && driver->check == virtsev_check);
    CHECK(driver->define == virtsev_define && driver->launch == virtsev_launch && driver->recover == virtsev_recover);
    CHECK(driver->measurement == virtsev_measurement && driver->verify == virtsev_verify);
    CHECK(driver->packet == virtsev_packet && driver->verify_domain == virtsev_verify_domain);
    CHECK(driver->inject == virtsev_inject && driver->session == virtsev_session);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(virtsev_handle_count() == 0);
    versions();
    errors();
    strings();
    configs(argv[1]);
    plans(argv[1]);
    lints();
    hosts();
    cancels();
    drivers();
    /* Nothing was forgotten, here or inside. */
    CHECK(virtsev_handle_count() == 0);
    puts("ok");
    return 0;
}
