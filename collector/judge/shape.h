/* How a chain was served: order, what is in it for nothing, what is in it twice. */
#ifndef COLLECTOR_JUDGE_SHAPE_H
#define COLLECTOR_JUDGE_SHAPE_H

#include "collector/judge/shelf.h"

struct shape {
    bool ordered;                     /* each certificate stands after one that it issued */
    int superfluous;                  /* members that are no issuer of the leaf nor of its issuers */
    int duplicates, undecodable;      /* members that repeat an earlier one; that cannot be decoded */
    bool root_included, cross_signed; /* the self-signed end was sent along; one CA key stands under two issuers */
};

/* By names, key identifiers and key usages, not by signatures: which certificate a client would try, not whether it would be content. */
void shape_of(const struct served *served, struct shape *out);

#endif
