/* What the detail view asks the database for. */
#ifndef REPORT_BROWSE_DETAIL_JOB_H
#define REPORT_BROWSE_DETAIL_JOB_H

#include "report/browse/link.h"
#include "report/browse/row.h"

enum fact {
    FACT_NAME,
    FACT_SUBJECT,
    FACT_ISSUER,
    FACT_SERIAL, /* hex */
    FACT_NOT_BEFORE,
    FACT_NOT_AFTER,
    FACT_KEY,
    FACT_SIG_ALG,
    FACT_IS_CA,
    FACT_FIRST_SEEN,
    FACT_UNDECODABLE,
    FACT_DER, /* base64 */
    FACT_FIELDS
};
enum chain_field {
    CHAIN_ID,
    CHAIN_POSITION,
    CHAIN_NAME,
    CHAIN_NOT_BEFORE,
    CHAIN_NOT_AFTER,
    CHAIN_FINGERPRINT,
    CHAIN_VERDICT, /* "": none yet */
    CHAIN_DEPTH,
    CHAIN_VERIFIED,
    CHAIN_STORE,     /* whose verdict it is: the kindest one */
    CHAIN_STORES,    /* of several: what each says */
    CHAIN_MISSING,   /* the issuer whose certificate is nowhere */
    CHAIN_EFFECTIVE, /* when the path ends */
    CHAIN_FAULTS,    /* of how it was served */
    CHAIN_FIELDS
};
enum owner_field {
    OWNER_NAME, /* "": nobody */
    OWNER_PLACES,
    OWNER_FAILING,
    OWNER_EMAIL, /* comma separated */
    OWNER_CONTACT,
    OWNER_ENVIRONMENT,
    OWNER_CRITICALITY,
    OWNER_FIELDS
};
enum alert_field {
    ALERT_OWNER,
    ALERT_OPENED,
    ALERT_THRESHOLD,
    ALERT_TOLD,
    ALERT_ACKED_AT,
    ALERT_ACKED_BY,
    ALERT_ACKED_NOTE,
    ALERT_COVERED, /* "t": the acknowledgement silences it now */
    ALERT_FIELDS
};
enum event_field { EVENT_AT, EVENT_OWNER, EVENT_WHAT, EVENT_ACTOR, EVENT_DETAIL, EVENT_FIELDS };
/* What TLS said where the certificate is the leaf: a row per kind and word, the most frequent first. */
enum tls_field {
    TLS_KIND,        /* "staple", "proof", "ja3s" */
    TLS_WORD,        /* the staple's status, the proof's outcome, the fingerprint */
    TLS_PLACES,      /* how many of the first OWNER_PLACES_MOST say so */
    TLS_NEXT_UPDATE, /* of a staple: the earliest, RFC 3339 */
    TLS_FIELDS
};
/* Places that vanished with it, the last first. */
enum gone_field { GONE_PLACE, GONE_SINCE, GONE_LAST_SEEN, GONE_ALL /* of them */, GONE_FIELDS };
enum {
    CHAINS_MOST = 4 /* one more than is shown */,
    OWNER_PLACES_MOST = 1001,
    NAMES_MOST = 20000,
    EVENTS_MOST = 100,
    GONE_MOST = 5
};

struct detail_facts {
    struct rows certificate; /* one row, or none: it is not there any more */
    struct rows names;       /* kind, name */
    struct rows chains;      /* by chain and position */
    struct rows owners;      /* of the first OWNER_PLACES_MOST places */
    struct rows tls;         /* likewise */
    struct rows gone;        /* the last GONE_MOST */
    struct rows alerts;      /* open ones */
    struct rows events;      /* newest first */
};
void detail_facts_free(struct detail_facts *facts);

struct detail_job;
typedef void (*detail_facts_fn)(void *context, const char *fingerprint, int code, struct detail_facts *facts,
                                const struct cm_error *error);
typedef void (*detail_owners_fn)(void *context, const char *fingerprint, int code, struct rows *owners,
                                 const struct cm_error *error);
/* Jobs for a link. The callback takes what it is given (facts and owners only when code is 0). */
struct link_job *detail_facts_job(const char *fingerprint, detail_facts_fn done);
struct link_job *detail_owners_job(const char *fingerprint, detail_owners_fn done); /* all places counted */

#endif
