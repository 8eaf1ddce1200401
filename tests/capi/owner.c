/* An owner's verdict off line, right and in every wrong way. In: TIK, TEK and a policy file of a launch with SEV API 1.55, build 21
 * and policy 1, and its evidence. The state folder is a fresh one. C and C++. */
#include "check.h"

static unsigned char tik[16], tek[16];

static virtsev_owner *holder(const char *policy_file)
{
    virtsev_owner *owner = virtsev_owner_new();
    DONE(virtsev_owner_keys(owner, tik, tek, &err));
    DONE(virtsev_owner_set(owner, "policy-file", policy_file, &err));
    return owner;
}

/* What the owner says of the platform is held against the evidence: it was not looked at, and the verdict was yes. */
static void claims(const char *policy_file, const char *evidence)
{
    static const char *const CLAIMS[][3] = {
        {"api-major", "1", "2"}, {"api-minor", "55", "0x38"}, {"build-id", "21", "20"}, {"policy", "1", "3"}};
    char *json = NULL;
    for (int n = 0; n < 4; n++) {
        virtsev_owner *owner = holder(policy_file);
        DONE(virtsev_owner_secret(owner, "luks-key", "x", 1, &err));
        DONE(virtsev_owner_set(owner, CLAIMS[n][0], CLAIMS[n][2], &err));
        REFUSED(virtsev_verify(owner, evidence, &json, &err), VIRTSEV_ERR_NO, "wanted");
        REFUSED(virtsev_packet(owner, evidence, &json, &err), VIRTSEV_ERR_NO, "wanted");
        CHECK(json == NULL);
        DONE(virtsev_owner_set(owner, CLAIMS[n][0], CLAIMS[n][1], &err));
        DONE(virtsev_verify(owner, evidence, &json, &err));
        CHECK(strstr(json, "\"verified\":true") != NULL);
        virtsev_string_free(json);
        json = NULL;
        virtsev_owner_free(owner);
    }
}

/* Every character of the evidence and every key counts. */
static void edited(const char *policy_file, const char *evidence)
{
    static const char *const FIELDS[] = {"\"measurement\": \"", "\"api-major\": ", "\"api-minor\": ", "\"build-id\": ",
                                         "\"policy\": \"0x"};
    char *json = NULL, *copy = (char *)malloc(strlen(evidence) + 1);
    virtsev_owner *owner = holder(policy_file);
    DONE(virtsev_owner_secret(owner, "luks-key", "x", 1, &err));
    for (size_t n = 0; n < sizeof FIELDS / sizeof *FIELDS; n++) {
        strcpy(copy, evidence);
        char *at = strstr(copy, FIELDS[n]);
        CHECK(at != NULL);
        at += strlen(FIELDS[n]);
        *at = *at == '3' ? '2' : '3';
        REFUSED(virtsev_verify(owner, copy, &json, &err), VIRTSEV_ERR_NO, "the launch measurement is not the expected one");
        REFUSED(virtsev_packet(owner, copy, &json, &err), VIRTSEV_ERR_NO, "the launch measurement is not the expected one");
    }
    tik[0] ^= 1;
    DONE(virtsev_owner_keys(owner, tik, tek, &err));
    tik[0] ^= 1;
    REFUSED(virtsev_packet(owner, evidence, &json, &err), VIRTSEV_ERR_NO, "the launch measurement is not the expected one");
    CHECK(json == NULL);
    virtsev_owner_free(owner);
    free(copy);
}

/* What a stranger sends is refused before it costs memory. */
static void too_long(const char *policy_file)
{
    const size_t size = (1 << 20) + 1;
    char *json = NULL, *text = (char *)malloc(size + 1);
    memset(text, '[', size);
    text[size] = '\0';
    virtsev_owner *owner = holder(policy_file);
    REFUSED(virtsev_verify(owner, text, &json, &err), VIRTSEV_ERR_FILE, "the evidence is too large");
    REFUSED(virtsev_inject(NULL, text, 0, &err), VIRTSEV_ERR_FILE, "the secret packet is too large");
    virtsev_owner_free(owner);
    free(text);
}

/* Standard input is the caller's own. */
static void no_standard_input(void)
{
    static const char *const FILES[] = {"firmware", "kernel", "initrd", "vmsa-cpu0", "vmsa-cpu1", "policy-file", "tik",
                                        "tek", "tk", "chain", "ca", "cek", "bundle"};
    virtsev_owner *owner = virtsev_owner_new();
    for (size_t n = 0; n < sizeof FILES / sizeof *FILES; n++)
        REFUSED(virtsev_owner_set(owner, FILES[n], "-", &err), VIRTSEV_ERR_USAGE, "wanted the path of a file");
    REFUSED(virtsev_owner_set(owner, "inject-secret", "luks-key:-", &err), VIRTSEV_ERR_USAGE, "the path of a file");
    virtsev_owner_free(owner);
}

static void secrets(void)
{
    static char secret[(16 << 10) + 1];
    virtsev_owner *owner = virtsev_owner_new();
    memset(secret, 's', sizeof secret);
    DONE(virtsev_owner_secret(owner, "luks-key", secret, 1, &err));
    REFUSED(virtsev_owner_secret(owner, "736869E5-84F0-4973-92EC-06879CE3DA0B", secret, 1, &err), VIRTSEV_ERR_USAGE,
            "the same GUID");
    REFUSED(virtsev_owner_secret(owner, "kbs-bundle", secret, sizeof secret, &err), VIRTSEV_ERR_USAGE, "too long");
    REFUSED(virtsev_owner_secret(owner, "kbs-bundle", secret, 0, &err), VIRTSEV_ERR_USAGE, "no size of bytes");
    REFUSED(virtsev_owner_secret(owner, "kbs-bundle", secret, (size_t)-1, &err), VIRTSEV_ERR_USAGE, "no size of bytes");
    REFUSED(virtsev_owner_secret(owner, "my password", "kbs-bundle", 10, &err), VIRTSEV_ERR_USAGE,
            "name: the name of a secret is neither a GUID nor a known alias");
    DONE(virtsev_owner_secret(owner, "kbs-bundle", secret, 1, &err));
    virtsev_owner_free(owner);
}

/* Neither NULL, what is no text, nor a handle of another kind or that was freed gets into an owner, or out of one. */
static void misuses(const char *policy_file, const char *evidence)
{
    static const char *const BAD = "\xff\xfe";
    char *json = NULL;
    virtsev_config *config = virtsev_config_new();
    virtsev_owner *owner = holder(policy_file), *other = (virtsev_owner *)(void *)config;
    REFUSED(virtsev_owner_set(owner, NULL, "x", &err), VIRTSEV_ERR_USAGE, "name: NULL");
    REFUSED(virtsev_owner_set(owner, BAD, "x", &err), VIRTSEV_ERR_USAGE, "name: not text");
    REFUSED(virtsev_owner_set(owner, "cmdline", BAD, &err), VIRTSEV_ERR_USAGE, "value: not text");
    REFUSED(virtsev_owner_set(owner, "--firmware", "x", &err), VIRTSEV_ERR_USAGE, "wanted an option of `virt-sev verify`");
    REFUSED(virtsev_owner_keys(owner, NULL, tek, &err), VIRTSEV_ERR_USAGE, "tik: NULL");
    REFUSED(virtsev_owner_keys(owner, tik, NULL, &err), VIRTSEV_ERR_USAGE, "tek: NULL");
    REFUSED(virtsev_owner_secret(owner, NULL, "x", 1, &err), VIRTSEV_ERR_USAGE, "name: NULL");
    REFUSED(virtsev_owner_secret(owner, BAD, "x", 1, &err), VIRTSEV_ERR_USAGE, "name: not text");
    REFUSED(virtsev_owner_secret(owner, "luks-key", NULL, 1, &err), VIRTSEV_ERR_USAGE, "secret: NULL");
    DONE(virtsev_owner_secret(owner, "luks-key", "x", 1, &err));
    REFUSED(virtsev_verify(owner, NULL, &json, &err), VIRTSEV_ERR_USAGE, "evidence: NULL");
    REFUSED(virtsev_packet(owner, NULL, &json, &err), VIRTSEV_ERR_USAGE, "evidence: NULL");
    REFUSED(virtsev_verify(owner, evidence, NULL, &err), VIRTSEV_ERR_USAGE, "NULL");
    REFUSED(virtsev_packet(owner, evidence, NULL, &err), VIRTSEV_ERR_USAGE, "NULL");
    for (int n = 0; n < 3; n++) {
        static const char *const TEXTS[] = {"NULL is no handle", "of another kind", "was freed"};
        virtsev_owner *const wrong[] = {NULL, other, owner};
        if (n == 2) virtsev_owner_free(owner);
        REFUSED(virtsev_owner_set(wrong[n], "firmware", "x", &err), VIRTSEV_ERR_USAGE, TEXTS[n]);
        REFUSED(virtsev_owner_keys(wrong[n], tik, tek, &err), VIRTSEV_ERR_USAGE, TEXTS[n]);
        REFUSED(virtsev_owner_secret(wrong[n], "luks-key", "x", 1, &err), VIRTSEV_ERR_USAGE, TEXTS[n]);
        REFUSED(virtsev_verify(wrong[n], evidence, &json, &err), VIRTSEV_ERR_USAGE, TEXTS[n]);
        REFUSED(virtsev_packet(wrong[n], evidence, &json, &err), VIRTSEV_ERR_USAGE, TEXTS[n]);
        REFUSED(virtsev_session(wrong[n], NULL, 1, "/no/such", &json, &err), VIRTSEV_ERR_USAGE, TEXTS[n]);
        virtsev_owner_free(wrong[n]);
    }
    CHECK(json == NULL);
    /* Freed as an owner, it stays. */
    DONE(virtsev_config_json(config, &json, &err));
    virtsev_string_free(json);
    virtsev_config_free(config);
}

/* Where it cannot be recorded that a session is answered, there is no answer. */
static void no_record(const char *policy_file, const char *evidence)
{
    char *json = NULL;
    virtsev_owner *owner = holder(policy_file);
    DONE(virtsev_owner_secret(owner, "luks-key", "x", 1, &err));
    DONE(virtsev_verify(owner, evidence, &json, &err));
    virtsev_string_free(json);
    json = NULL;
    CHECK(setenv("XDG_STATE_HOME", "/dev/null", 1) == 0);
    REFUSED(virtsev_verify(owner, evidence, &json, &err), VIRTSEV_ERR_FILE, "the record of answered launches cannot be used");
    REFUSED(virtsev_packet(owner, evidence, &json, &err), VIRTSEV_ERR_FILE, "the record of answered launches cannot be used");
    CHECK(json == NULL);
    virtsev_owner_free(owner);
}

int main(int argc, char **argv)
{
    CHECK(argc == 5);
    unhex(tik, argv[1]);
    unhex(tek, argv[2]);
    misuses(argv[3], argv[4]);
    no_standard_input();
    secrets();
    too_long(argv[3]);
    claims(argv[3], argv[4]);
    edited(argv[3], argv[4]);
    no_record(argv[3], argv[4]);
    CHECK(virtsev_handle_count() == 0);
    puts("ok");
    return 0;
}
