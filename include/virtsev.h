/* virt-sev: AMD SEV, SEV-ES and SEV-SNP guests on libvirt. docs/abi.md has the whole story and an example.
 * Made from the comments of src/capi by `make generate`; not to be edited. License: LGPL-2.1-or-later.
 *
 * What holds for every function, where it does not say otherwise:
 *
 * Results    int is 0, or a negative number VIRTSEV_ERR_*. Outputs are written only on success.
 * Errors     err may be NULL. On failure *err gets a new error, which the caller frees with virtsev_error_free(); on
 *            success it is left as it is.
 * Strings    UTF-8 with a NUL at the end. What a function is given it copies. What it writes through a char ** the caller
 *            frees with virtsev_string_free(), and nothing else. NULL where it is not allowed, and what is not UTF-8, is
 *            VIRTSEV_ERR_USAGE.
 * Handles    Freed with the free function of their kind, which takes NULL. One that was freed, or is of another kind, is
 *            VIRTSEV_ERR_USAGE to use and ignored when freed, as long as its address was not given out again: it is a
 *            mistake all the same.
 * Threads    Every function may be called from any thread at any time, and one handle from several threads at once. A
 *            handle that is freed while a call uses it stays whole for that call; the strings of an error do not. None may
 *            be called from a signal handler.
 * JSON       One document, "schema" first: virt-sev/KIND/1. Members may be added; none changes its meaning.
 * Sizes      A string given may have any length; a domain above 16 MiB, a document of keys above 4 MiB, evidence and a packet
 *            above 1 MiB are refused. Sizes in answers are in bytes.
 * Process    Nothing is printed, no signal handler is set, libvirt's error handler is not touched; it is called on threads
 *            of this library too. SIGPIPE is blocked on the thread of a call that asks libvirt, for as long as the call. A
 *            fault of virt-sev is VIRTSEV_ERR_BUG and a line on standard error, and the process lives.
 * References A connection or a domain is referenced for the time of the call; for as long as libvirt needs where the wait
 *            for an answer was cancelled or took too long.
 */

#ifndef VIRTSEV_H
#define VIRTSEV_H

#include <stddef.h>
#include <stdint.h>

/* The version of virt-sev. */
#define VIRTSEV_VERSION "0.1.0"

/* the answer is no */
#define VIRTSEV_ERR_NO (-1)
/* wrong usage */
#define VIRTSEV_ERR_USAGE (-2)
/* insecure usage refused */
#define VIRTSEV_ERR_INSECURE (-3)
/* the configuration is wrong */
#define VIRTSEV_ERR_CONFIG (-4)
/* the domain is wrong */
#define VIRTSEV_ERR_DOMAIN (-5)
/* the firmware is wrong */
#define VIRTSEV_ERR_FIRMWARE (-6)
/* a certificate is wrong */
#define VIRTSEV_ERR_CERTIFICATE (-7)
/* the session is wrong or used */
#define VIRTSEV_ERR_SESSION (-8)
/* a file is wrong or cannot be used */
#define VIRTSEV_ERR_FILE (-9)
/* the hypervisor refused */
#define VIRTSEV_ERR_HYPERVISOR (-10)
/* the guest is in the wrong state */
#define VIRTSEV_ERR_STATE (-11)
/* no answer in time */
#define VIRTSEV_ERR_TIMEOUT (-12)
/* a fault of virt-sev */
#define VIRTSEV_ERR_BUG (-13)
/* cancelled by the caller */
#define VIRTSEV_ERR_CANCELLED (-14)

struct _virConnect;
struct _virDomain;

/**
 * The version of the C ABI that this header is of. virtsev_abi_version() says what a library has.
 */
#define VIRTSEV_ABI_VERSION 1

/**
 * Stops a long call from another thread, or from the call's own progress callback.
 */
typedef struct virtsev_cancel virtsev_cancel;

/**
 * Keys and options of a guest. A function that takes one reads it as it is at that moment.
 */
typedef struct virtsev_config virtsev_config;

/**
 * Why a call failed. Whoever got one frees it with virtsev_error_free().
 */
typedef struct virtsev_error virtsev_error;

/**
 * What a guest owner expects of a launch, and the keys and secrets that go with it. A function that takes one reads it as
 * it is at that moment. Keys and secrets are wiped when it is freed.
 */
typedef struct virtsev_owner virtsev_owner;

/**
 * What the rules decided for one document.
 */
typedef struct virtsev_plan virtsev_plan;

/**
 * Hears of a step that is done: JSON with "step" ("defined", "started", "measured", "verified", "injected", "resumed") and
 * "text" for people. The string lives during the call only. Called on the thread of the function that it was given to,
 * which waits for it; it may call any function of this library, virtsev_cancel_ask() among them. It must return: no
 * longjmp(), no exception and no end of the thread may leave it. More steps may come.
 */
typedef void (*virtsev_progress)(void *opaque, const char *json);

/**
 * Every function of this header but virtsev_driver_get(), in its order, for a program that loads the library with dlopen(). A
 * newer library appends to it: a member is there where its end lies within the size.
 */
typedef struct virtsev_driver {
  /**
   * The size of the library's table, in bytes.
   */
  size_t size;
  /**
   * The ABI of the table.
   */
  uint32_t abi;
  uint32_t (*abi_version)(void);
  const char *(*version)(void);
  size_t (*handle_count)(void);
  int (*error_code)(const struct virtsev_error *error);
  const char *(*error_name)(const struct virtsev_error *error);
  const char *(*error_message)(const struct virtsev_error *error);
  const char *(*error_hint)(const struct virtsev_error *error);
  const char *(*error_json)(const struct virtsev_error *error);
  void (*error_free)(struct virtsev_error *error);
  void (*string_free)(char *string);
  struct virtsev_config *(*config_new)(void);
  int (*config_set)(struct virtsev_config *config,
                    const char *key,
                    const char *value,
                    struct virtsev_error **err);
  int (*config_load)(struct virtsev_config *config,
                     const char *document,
                     const char *format,
                     struct virtsev_error **err);
  int (*config_option)(struct virtsev_config *config,
                       const char *name,
                       const char *value,
                       struct virtsev_error **err);
  int (*config_json)(const struct virtsev_config *config, char **json, struct virtsev_error **err);
  void (*config_free)(struct virtsev_config *config);
  int (*apply)(const struct virtsev_config *config, const char *xml, char **out, struct virtsev_error **err);
  int (*plan_new)(const struct virtsev_config *config,
                  struct _virConnect *conn,
                  const char *xml,
                  struct virtsev_plan **plan,
                  struct virtsev_error **err);
  int (*plan_json)(const struct virtsev_plan *plan, char **json, struct virtsev_error **err);
  int (*plan_xml)(const struct virtsev_plan *plan, char **xml, struct virtsev_error **err);
  void (*plan_free)(struct virtsev_plan *plan);
  int (*lint)(const struct virtsev_config *config, const char *xml, char **json, struct virtsev_error **err);
  int (*host)(struct _virConnect *conn, char **json, struct virtsev_error **err);
  struct virtsev_cancel *(*cancel_new)(void);
  int (*cancel_ask)(struct virtsev_cancel *cancel, struct virtsev_error **err);
  void (*cancel_free)(struct virtsev_cancel *cancel);
  struct virtsev_owner *(*owner_new)(void);
  int (*owner_set)(struct virtsev_owner *owner,
                   const char *name,
                   const char *value,
                   struct virtsev_error **err);
  int (*owner_keys)(struct virtsev_owner *owner,
                    const uint8_t *tik,
                    const uint8_t *tek,
                    struct virtsev_error **err);
  int (*owner_secret)(struct virtsev_owner *owner,
                      const char *name,
                      const void *secret,
                      size_t size,
                      struct virtsev_error **err);
  void (*owner_free)(struct virtsev_owner *owner);
  int (*check)(const struct virtsev_config *config,
               struct _virConnect *conn,
               const char *xml,
               char **json,
               struct virtsev_error **err);
  int (*define)(const struct virtsev_config *config,
                struct _virConnect *conn,
                const char *xml,
                char **json,
                struct virtsev_error **err);
  int (*launch)(const struct virtsev_config *config,
                struct _virConnect *conn,
                const char *xml,
                const struct virtsev_owner *owner,
                const struct virtsev_cancel *cancel,
                virtsev_progress progress,
                void *opaque,
                char **json,
                struct virtsev_error **err);
  int (*recover)(struct _virConnect *conn, char **json, struct virtsev_error **err);
  int (*measurement)(struct _virDomain *domain, char **json, struct virtsev_error **err);
  int (*verify)(const struct virtsev_owner *owner,
                const char *evidence,
                char **json,
                struct virtsev_error **err);
  int (*packet)(const struct virtsev_owner *owner,
                const char *evidence,
                char **packet,
                struct virtsev_error **err);
  int (*verify_domain)(const struct virtsev_owner *owner,
                       struct _virDomain *domain,
                       const struct virtsev_cancel *cancel,
                       virtsev_progress progress,
                       void *opaque,
                       char **json,
                       struct virtsev_error **err);
  int (*inject)(struct _virDomain *domain, const char *packet, int resume, struct virtsev_error **err);
  int (*session)(const struct virtsev_owner *owner,
                 struct _virConnect *conn,
                 uint32_t policy,
                 const char *folder,
                 char **json,
                 struct virtsev_error **err);
} virtsev_driver;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the C ABI that the library has. One that is as high as VIRTSEV_ABI_VERSION or higher has everything
 * that this header declares. From any thread. Since ABI 1.
 */
uint32_t virtsev_abi_version(void);

/**
 * The version of virt-sev, such as "0.1.0". Static: never freed. From any thread. Since ABI 1.
 */
const char *virtsev_version(void);

/**
 * How many handles and strings live that a caller has to free: the same before and after, and nothing was forgotten.
 * From any thread. Since ABI 1.
 */
size_t virtsev_handle_count(void);

/**
 * The number of an error: VIRTSEV_ERR_*, the same that the function returned. 0 for NULL and for a handle that was freed.
 * Since ABI 1.
 */
int virtsev_error_code(const struct virtsev_error *error);

/**
 * The name of its number, such as "VIRTSEV_ERR_CONFIG". Static: never freed. NULL for NULL. Since ABI 1.
 */
const char *virtsev_error_name(const struct virtsev_error *error);

/**
 * What went wrong, for a person: each problem on a line of its own, with its place, without what to do about it. Belongs
 * to the error and lives as long. NULL for NULL. Since ABI 1.
 */
const char *virtsev_error_message(const struct virtsev_error *error);

/**
 * What to do about it, for a person: one line or several. Belongs to the error and lives as long. NULL where there is
 * nothing to say, and for NULL. Since ABI 1.
 */
const char *virtsev_error_hint(const struct virtsev_error *error);

/**
 * The error as JSON: "schema" (virt-sev/error/1), "code", "name", "problems" (each with "code", "name", "message", "place"
 * and "hint", of which the last two may be null), and "answer" where the function has one all the same: a verdict of no, or
 * what virtsev_recover() could do. Belongs to the error and lives as long. NULL for NULL. Since ABI 1.
 */
const char *virtsev_error_json(const struct virtsev_error *error);

/**
 * Frees an error and its strings. NULL is allowed. Since ABI 1.
 */
void virtsev_error_free(struct virtsev_error *error);

/**
 * Frees a string that a function of this library wrote through a char ** of the caller. NULL is allowed. Since ABI 1.
 */
void virtsev_string_free(char *string);

/**
 * Makes a configuration without keys and options. The caller frees it with virtsev_config_free(). NULL only when virt-sev
 * fails inside. Since ABI 1.
 */
struct virtsev_config *virtsev_config_new(void);

/**
 * Sets a key, above every document of virtsev_config_load() and what was set before.
 *
 * key: such as "security.sev.policy.es". value: its text; "" unsets the key and hides what a document says of it; NULL
 * takes back what was set here, so that a document's value counts again.
 *
 * VIRTSEV_ERR_CONFIG for a key that there is not, and for a value that the key cannot have; VIRTSEV_ERR_SESSION for a blob
 * of a launch session that is none; VIRTSEV_ERR_USAGE. Whether the keys fit together is judged when they are used. What
 * fails changes nothing. Since ABI 1.
 */
int virtsev_config_set(struct virtsev_config *config,
                       const char *key,
                       const char *value,
                       struct virtsev_error **err);

/**
 * Adds a whole document of keys, above those that were loaded before: a flat map of keys, an instance or profile of LXD
 * or Incus, a machine of KubeVirt, a flavor or image of Nova, a guest of Proxmox, the metadata of a domain, a guest
 * owner's bundle. Of YAML, JSON or XML.
 *
 * document: its text. format: "lxd", "kubevirt", "nova", "proxmox", "metadata"; "auto" or NULL where it is to be
 * recognised.
 *
 * VIRTSEV_ERR_CONFIG for a document of a wrong form; VIRTSEV_ERR_USAGE. Whether the keys fit together is judged when they
 * are used, since documents can complete each other. What fails changes nothing. Since ABI 1.
 */
int virtsev_config_load(struct virtsev_config *config,
                        const char *document,
                        const char *format,
                        struct virtsev_error **err);

/**
 * Sets an option. NULL for the value takes it back.
 *
 * name and value: "skip", the id of a rule to leave out (adds to those there); "record", "true" to record the keys in
 * the domain's metadata; "no-metadata", "true" to ignore the keys there; "injects-secret", "true" where the owner will
 * inject one, so that the firmware must have a place for it; "timeout", the longest wait for one answer of the
 * hypervisor, in seconds (60); "host-root", a folder whose files stand for those of the host.
 *
 * VIRTSEV_ERR_USAGE for an option, a rule or a value that there is not; VIRTSEV_ERR_FILE for a folder that is not there.
 * What fails changes nothing. Since ABI 1.
 */
int virtsev_config_option(struct virtsev_config *config,
                          const char *name,
                          const char *value,
                          struct virtsev_error **err);

/**
 * What the keys mean: JSON, virt-sev/config/1, with "mode" ("sev", "sev-es", "sev-snp"; null where nothing asks for SEV),
 * "keys" (the fewest that mean it), "blobs" (the names of keys whose values are left out for their size) and "notes"
 * (findings about the documents).
 *
 * json: the answer, for virtsev_string_free().
 *
 * VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION where the keys do not fit together; VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_config_json(const struct virtsev_config *config,
                        char **json,
                        struct virtsev_error **err);

/**
 * Frees a configuration. Plans made with it live on. NULL is allowed. Since ABI 1.
 */
void virtsev_config_free(struct virtsev_config *config);

/**
 * Makes a domain document right, as `virt-sev apply` does. What is right already comes back byte for byte, and so does a
 * document for which no key asks for SEV.
 *
 * xml: the domain. out: the document, for virtsev_string_free().
 *
 * VIRTSEV_ERR_DOMAIN where it cannot be made right; VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION for the keys; VIRTSEV_ERR_NO
 * where the host of the option "host-root" cannot do it; VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_apply(const struct virtsev_config *config,
                  const char *xml,
                  char **out,
                  struct virtsev_error **err);

/**
 * Decides what makes a document right, and changes nothing. Rules that refuse the document do not fail here: the plan
 * says so.
 *
 * conn: a virConnectPtr whose host is asked, of which a reference is taken for the time of the call; NULL, and the host is
 * not asked, or the files of the option "host-root" stand for it. xml: the domain. plan: the plan, for virtsev_plan_free(); it needs neither the
 * configuration nor the connection any more.
 *
 * VIRTSEV_ERR_DOMAIN for what is no domain; VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION for the keys;
 * VIRTSEV_ERR_HYPERVISOR, VIRTSEV_ERR_TIMEOUT; VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_plan_new(const struct virtsev_config *config,
                     struct _virConnect *conn,
                     const char *xml,
                     struct virtsev_plan **plan,
                     struct virtsev_error **err);

/**
 * The plan as JSON, virt-sev/plan/1: "mode" (null where nothing asks for SEV), "errors" (how many findings are), "edits"
 * and "findings" as `virt-sev apply --format json` has them, findings that are errors among them.
 *
 * json: the answer, for virtsev_string_free(). VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_plan_json(const struct virtsev_plan *plan,
                      char **json,
                      struct virtsev_error **err);

/**
 * The document with every edit made: all of them or, where a finding is an error, none.
 *
 * xml: the document, for virtsev_string_free(). VIRTSEV_ERR_DOMAIN, or VIRTSEV_ERR_NO where only the host is at fault, with
 * every finding that is an error; VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_plan_xml(const struct virtsev_plan *plan,
                     char **xml,
                     struct virtsev_error **err);

/**
 * Frees a plan. NULL is allowed. Since ABI 1.
 */
void virtsev_plan_free(struct virtsev_plan *plan);

/**
 * Which rules a document breaks: JSON, virt-sev/lint/1, as `virt-sev lint --format json` has it. A document that breaks
 * rules is an answer and no error.
 *
 * config: the keys to judge by, above those in the domain's metadata; NULL, and without keys, the domain is judged by its
 * own: those in its metadata, or what its `<launchSecurity>` stands for. json: the answer, for virtsev_string_free().
 *
 * VIRTSEV_ERR_DOMAIN for what is no domain; VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION for the keys; VIRTSEV_ERR_USAGE.
 * Since ABI 1.
 */
int virtsev_lint(const struct virtsev_config *config,
                 const char *xml,
                 char **json,
                 struct virtsev_error **err);

/**
 * What the host offers, mode by mode, with what is missing and what to do: JSON, virt-sev/host/1, as `virt-sev host
 * --format json` has it. A host that can do nothing is an answer and no error.
 *
 * conn: a virConnectPtr, of which a reference is taken for the time of the call; of a remote host only libvirt's facts
 * are known. NULL for this machine, without libvirt. json: the answer, for virtsev_string_free().
 *
 * VIRTSEV_ERR_HYPERVISOR, VIRTSEV_ERR_TIMEOUT (60 s, which no option changes); VIRTSEV_ERR_USAGE. From any thread; takes
 * some tens of milliseconds, since firmware is read. Since ABI 1.
 */
int virtsev_host(struct _virConnect *conn,
                 char **json,
                 struct virtsev_error **err);

/**
 * Makes one. It serves any number of calls, and once asked it stays so: make a new one for the next. The caller frees
 * it with virtsev_cancel_free(). Since ABI 1.
 */
struct virtsev_cancel *virtsev_cancel_new(void);

/**
 * Asks the calls that were given this to stop: each returns VIRTSEV_ERR_CANCELLED. A launch has undone then what it did; what
 * virtsev_verify_domain() may leave stands there. A call that has let its guest run returns 0. From any thread, not from a
 * signal handler. VIRTSEV_ERR_USAGE for a handle that does not live. Since ABI 1.
 */
int virtsev_cancel_ask(struct virtsev_cancel *cancel,
                       struct virtsev_error **err);

/**
 * Frees one. A call that was given it goes on. NULL is allowed. Since ABI 1.
 */
void virtsev_cancel_free(struct virtsev_cancel *cancel);

/**
 * Makes an owner who expects nothing yet. The caller frees it with virtsev_owner_free(). NULL only when virt-sev fails
 * inside. Since ABI 1.
 */
struct virtsev_owner *virtsev_owner_new(void);

/**
 * Sets what is expected, by the name of an option of `virt-sev verify` or `virt-sev session`. NULL for the value takes it
 * back.
 *
 * name and value: files that the guest starts from: "firmware", "kernel", "initrd"; "cmdline", its text. Processors:
 * "num-cpus"; "vcpu-type", such as "EPYC-Milan"; "vcpu-sig", a number; "cpu-family", "cpu-model", "cpu-stepping";
 * "guest-features", a number; "legacy-vm-type", "on" or "off"; "vmsa-cpu0", "vmsa-cpu1", files. What the platform is to
 * report: "policy", "api-major", "api-minor", "build-id", numbers. "policy-file", what is acceptable, a file. Keys in files:
 * "tik" and "tek", or "tk". "inject-secret", NAME:PATH (adds to those there). "insecure", "true" permits what proves less
 * than it seems to. For virtsev_verify_domain(): "ignore-config", "true" leaves the guest's configuration unlooked at;
 * "timeout", seconds (60), which counts in virtsev_session() too; virtsev_launch() has its configuration's. For
 * virtsev_session(): "chain", a file of the platform's certificates (adds to those there); "ca", "cek", files; "chip-id",
 * hexadecimal; "bundle", the file to write. Numbers are decimal, or hexadecimal with 0x. Files are read when they are used.
 *
 * VIRTSEV_ERR_USAGE for a name or a value that there is not. What fails changes nothing. Since ABI 1.
 */
int virtsev_owner_set(struct virtsev_owner *owner,
                      const char *name,
                      const char *value,
                      struct virtsev_error **err);

/**
 * Sets the keys of the session, in place of files.
 *
 * tik, tek: 16 bytes each, which are copied.
 *
 * VIRTSEV_ERR_USAGE for NULL. Since ABI 1.
 */
int virtsev_owner_keys(struct virtsev_owner *owner,
                       const uint8_t *tik,
                       const uint8_t *tek,
                       struct virtsev_error **err);

/**
 * Adds a secret to inject once the guest is verified.
 *
 * name: "luks-key" and the other names that `virt-sev verify --inject-secret` knows, or a GUID. secret, size: its
 * bytes, which are copied.
 *
 * VIRTSEV_ERR_USAGE for a name that is neither, for one that stands already, for NULL, and for a secret that is empty or does
 * not fit into a packet. Since ABI 1.
 */
int virtsev_owner_secret(struct virtsev_owner *owner,
                         const char *name,
                         const void *secret,
                         size_t size,
                         struct virtsev_error **err);

/**
 * Frees an owner; keys and secrets are wiped. NULL is allowed. Since ABI 1.
 */
void virtsev_owner_free(struct virtsev_owner *owner);

/**
 * Whether a launch of this domain could begin on this host now, and what stands in its way: JSON, virt-sev/check/1, as
 * `virt-sev check --format json` has it. That it could not is an answer ("possible": false) and no error. Changes nothing.
 *
 * config: the keys; where none asks for anything, what the domain's own <launchSecurity> asks for is checked. conn: a
 * virConnectPtr, of which a reference is taken for the time of the call. xml: the domain. json: the answer, for
 * virtsev_string_free().
 *
 * VIRTSEV_ERR_CONFIG where nothing asks for SEV, and for the keys; VIRTSEV_ERR_DOMAIN; VIRTSEV_ERR_SESSION; VIRTSEV_ERR_FILE
 * where the record of launches cannot be read; VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT for an answer of libvirt that
 * takes longer than the option "timeout"; VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_check(const struct virtsev_config *config,
                  struct _virConnect *conn,
                  const char *xml,
                  char **json,
                  struct virtsev_error **err);

/**
 * Makes a domain right, asks the host, and defines it: JSON, virt-sev/define/1, with "domain", "uuid" and "findings". What
 * fails defines nothing, but for a timeout: libvirt may still define the domain then, so look whether it did.
 *
 * config, conn, xml, json: as virtsev_check(). A domain that no key is about is defined as it is, once its own
 * <launchSecurity>, where it has one, is found to be possible here.
 *
 * VIRTSEV_ERR_NO where the host cannot do it; VIRTSEV_ERR_CONFIG for the keys alone; otherwise as virtsev_check().
 * Since ABI 1.
 */
int virtsev_define(const struct virtsev_config *config,
                   struct _virConnect *conn,
                   const char *xml,
                   char **json,
                   struct virtsev_error **err);

/**
 * Makes a domain right, asks the host, defines it, starts it paused, measures it and, where nothing else is to be done,
 * lets it run: JSON, virt-sev/launch/1, as `virt-sev launch --format json` has it, with "findings". "state" is "running",
 * or "paused" where a session wants its owner, who gets this answer as evidence and verifies it elsewhere; "verified" says
 * whether that was done here. Whatever fails, the guest is destroyed and the definition is what it was, which the error's
 * hint says; where that could not be done, it says so, and virtsev_recover() does it later.
 *
 * config, conn, xml, json: as virtsev_define(). owner: what the guest's owner expects and holds, where the owner's keys are
 * here; the measurement is then verified, secrets are injected, and only then the guest runs. NULL otherwise. cancel: stops
 * the launch from another thread, or NULL. progress: called after each step on the thread of this call, with opaque; NULL
 * for none.
 *
 * VIRTSEV_ERR_NO where the host cannot do it, and for a guest that is not verified; VIRTSEV_ERR_SESSION for a session that
 * was used, and for one that is not for this policy and the owner's keys; VIRTSEV_ERR_STATE for a guest that is active or a
 * launch that has not ended; VIRTSEV_ERR_INSECURE, where the owner's option "insecure" is not set, for an owner's keys on the
 * hypervisor's own machine, for "firmware", "num-cpus", "kernel", "initrd" or "cmdline" that the owner would have to take
 * from the domain, and for a kernel that is not measured; VIRTSEV_ERR_CANCELLED; VIRTSEV_ERR_CONFIG where nothing asks for
 * SEV, for an owner without a session, and for the "policy-file"; VIRTSEV_ERR_FILE and VIRTSEV_ERR_FIRMWARE for what the
 * owner expects; otherwise as virtsev_define(). Takes as long as the hypervisor does, each of its answers at most the option
 * "timeout" of the configuration. Since ABI 1.
 */
int virtsev_launch(const struct virtsev_config *config,
                   struct _virConnect *conn,
                   const char *xml,
                   const struct virtsev_owner *owner,
                   const struct virtsev_cancel *cancel,
                   virtsev_progress progress,
                   void *opaque,
                   char **json,
                   struct virtsev_error **err);

/**
 * Ends what launches that were cut off have left on this hypervisor, where the program that launched has died or could not
 * undo it itself: JSON, virt-sev/recover/1, with "told", a sentence for each. One that is under way is left alone.
 *
 * conn: a virConnectPtr, of which a reference is taken for the time of the call. json: the answer, for
 * virtsev_string_free().
 *
 * VIRTSEV_ERR_HYPERVISOR and others for launches that could not be ended, each of which is a problem of the error, and
 * whose records stay; the error's JSON has the "answer", what was told of all the others. VIRTSEV_ERR_TIMEOUT (60 s in all,
 * which no option changes: call it again for the rest); VIRTSEV_ERR_FILE; VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_recover(struct _virConnect *conn,
                    char **json,
                    struct virtsev_error **err);

/**
 * What a launched guest reports: evidence for its owner, JSON, virt-sev/measurement/1, as `virt-sev measurement -o` writes
 * it.
 *
 * domain: a virDomainPtr, of which a reference is taken for the time of the call. json: the answer, for
 * virtsev_string_free().
 *
 * VIRTSEV_ERR_STATE for a guest that is off, has no launch security, or is one of SEV-SNP, which attests itself from
 * inside; VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT (60 s, which no option changes); VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_measurement(struct _virDomain *domain,
                        char **json,
                        struct virtsev_error **err);

/**
 * Verifies evidence off line: nothing is asked of anybody. JSON, virt-sev/verify/1, as `virt-sev verify --format json` has
 * it; 0 means that the guest is verified. A session that was answered is recorded, and evidence of another launch of it is
 * refused.
 *
 * owner: what is expected, with the keys of the session. evidence: what virtsev_measurement() or virtsev_launch() gave.
 * json: the answer, for virtsev_string_free().
 *
 * VIRTSEV_ERR_NO for a guest that is not verified; the error says what single change would explain it, and its JSON has the
 * "answer". VIRTSEV_ERR_FILE for what is no evidence and for files that cannot be read; VIRTSEV_ERR_SESSION for a second
 * launch of a session; VIRTSEV_ERR_CONFIG for a "policy-file" that is none; VIRTSEV_ERR_FIRMWARE; VIRTSEV_ERR_USAGE.
 * Since ABI 1.
 */
int virtsev_verify(const struct virtsev_owner *owner,
                   const char *evidence,
                   char **json,
                   struct virtsev_error **err);

/**
 * Verifies evidence off line as virtsev_verify() does and, where the guest is verified, encrypts the owner's secrets for
 * it: JSON, virt-sev/packet/1, for virtsev_inject() or `virt-sev secret inject` on the host. Nothing in it is readable
 * there.
 *
 * owner, evidence: as virtsev_verify(); the owner holds at least one secret. packet: the answer, for
 * virtsev_string_free().
 *
 * As virtsev_verify(); VIRTSEV_ERR_USAGE for secrets that do not fit, and for none. Since ABI 1.
 */
int virtsev_packet(const struct virtsev_owner *owner,
                   const char *evidence,
                   char **packet,
                   struct virtsev_error **err);

/**
 * Verifies a paused guest over its connection and, where the owner holds secrets, injects them and lets the guest run:
 * JSON, virt-sev/verify/1, with "state" of the guest, "running" or "paused". Without secrets the guest stays as it is.
 *
 * owner: what is expected, with the keys of the session. domain: a virDomainPtr, of which a reference is taken for the time
 * of the call. cancel: stops it from another thread, or NULL; too late once the secrets are in: the guest runs then, and the
 * call returns 0. progress, opaque: as virtsev_launch(). json: the answer, for virtsev_string_free().
 *
 * After VIRTSEV_ERR_CANCELLED, VIRTSEV_ERR_TIMEOUT and VIRTSEV_ERR_HYPERVISOR ask libvirt for the guest's state: nothing is
 * undone. What took too long or was no longer waited for may still come to its end, so that a secret may be in a guest that
 * is paused, or the guest may run. To be rid of it, destroy it.
 *
 * VIRTSEV_ERR_NO for a guest that is not verified, as virtsev_verify(): it stays paused; VIRTSEV_ERR_INSECURE, where the
 * option "insecure" is not set, for a hypervisor on this machine, for a guest with firmware variables, and for what
 * virtsev_launch() refuses so of an owner; VIRTSEV_ERR_STATE for a guest that is off, and for one that is not paused where
 * secrets go in or "insecure" is not set; VIRTSEV_ERR_DOMAIN for a guest whose measurement would not mean what its owner
 * thinks; VIRTSEV_ERR_SESSION for a second launch of a session; VIRTSEV_ERR_CONFIG for a "policy-file" that is none;
 * VIRTSEV_ERR_FILE; VIRTSEV_ERR_FIRMWARE; VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT for an answer of libvirt that takes
 * longer than the owner's option "timeout"; VIRTSEV_ERR_CANCELLED; VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_verify_domain(const struct virtsev_owner *owner,
                          struct _virDomain *domain,
                          const struct virtsev_cancel *cancel,
                          virtsev_progress progress,
                          void *opaque,
                          char **json,
                          struct virtsev_error **err);

/**
 * Injects the secrets that an owner encrypted for this launch, and no other, into the paused guest.
 *
 * domain: a virDomainPtr, of which a reference is taken for the time of the call. packet: what virtsev_packet() made.
 * resume: not 0 lets the guest run then.
 *
 * After VIRTSEV_ERR_TIMEOUT and VIRTSEV_ERR_HYPERVISOR ask libvirt for the guest's state, as after virtsev_verify_domain(): a
 * secret may be in a guest that is paused, or the guest may run.
 *
 * VIRTSEV_ERR_SESSION for a packet of another launch; VIRTSEV_ERR_FILE for what is no packet; VIRTSEV_ERR_STATE for a guest
 * that is not paused; VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT (60 s for each answer, which no option changes);
 * VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_inject(struct _virDomain *domain,
                   const char *packet,
                   int resume,
                   struct virtsev_error **err);

/**
 * Makes fresh keys for one launch on one platform, and writes them into a folder: tek.bin and tik.bin (the owner's), and
 * godh.b64, session.b64 and keys.yaml (the host's), all of them or none, of mode 0600. JSON, virt-sev/session/1, as
 * `virt-sev session --format json` has it, with "warning", null unless the option "insecure" let one pass. No key is in the
 * answer.
 *
 * owner: where its options "chain", "ca", "cek", "chip-id", "bundle", "firmware" (its digest goes into the bundle),
 * "insecure" and, with conn, "timeout" count. conn: a virConnectPtr of the platform, which must not be this machine; NULL,
 * and the option "chain" says where its certificates are. policy: of the guest. folder: made where it is missing; no file in
 * it is overwritten. json: the answer, for virtsev_string_free().
 *
 * VIRTSEV_ERR_CERTIFICATE for a chain that does not lead to AMD's root or that of "ca"; VIRTSEV_ERR_CONFIG for a policy that
 * sets reserved bits; VIRTSEV_ERR_INSECURE for a platform that is this machine; VIRTSEV_ERR_FIRMWARE; VIRTSEV_ERR_FILE;
 * VIRTSEV_ERR_HYPERVISOR; VIRTSEV_ERR_TIMEOUT; VIRTSEV_ERR_USAGE. Since ABI 1.
 */
int virtsev_session(const struct virtsev_owner *owner,
                    struct _virConnect *conn,
                    uint32_t policy,
                    const char *folder,
                    char **json,
                    struct virtsev_error **err);

/**
 * The table of every function, for a program that loads the library with dlopen() and looks up this one name.
 *
 * abi: the VIRTSEV_ABI_VERSION that the program was built against. NULL for an ABI that the library does not have. The
 * table is static: never freed. From any thread. Since ABI 1.
 */
const struct virtsev_driver *virtsev_driver_get(uint32_t abi);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* VIRTSEV_H */
