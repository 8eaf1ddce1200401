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
 * Sizes      A string given may have any length; a document of keys above 4 MiB is refused. Sizes in answers are in bytes.
 * Process    Nothing is printed, no signal handler is set, libvirt's error handler is not touched. A fault of virt-sev is
 *            VIRTSEV_ERR_BUG and a line on standard error, and the process lives.
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
 * What the rules decided for one document.
 */
typedef struct virtsev_plan virtsev_plan;

/**
 * Every function above, in its order, for a program that loads the library with dlopen(). A newer library appends to it:
 * a member is there where its end lies within the size.
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
 * and "hint", of which the last two may be null), and "answer" where a verdict of no has one. Belongs to the error and
 * lives as long. NULL for NULL. Since ABI 1.
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
 * conn: NULL, and the host is not asked. xml: the domain. plan: the plan, for virtsev_plan_free(); it needs neither the
 * configuration nor the connection any more.
 *
 * VIRTSEV_ERR_DOMAIN for what is no domain; VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION for the keys; VIRTSEV_ERR_USAGE.
 * Since ABI 1.
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
 * conn: NULL for this machine, without libvirt. json: the answer, for virtsev_string_free().
 *
 * VIRTSEV_ERR_USAGE. From any thread; takes some tens of milliseconds, since firmware is read. Since ABI 1.
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
 * Asks the calls that were given this to stop: each undoes what it did and returns VIRTSEV_ERR_CANCELLED. From any thread,
 * not from a signal handler. VIRTSEV_ERR_USAGE for a handle that does not live. Since ABI 1.
 */
int virtsev_cancel_ask(struct virtsev_cancel *cancel,
                       struct virtsev_error **err);

/**
 * Frees one. A call that was given it goes on. NULL is allowed. Since ABI 1.
 */
void virtsev_cancel_free(struct virtsev_cancel *cancel);

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
