/* Hostile captures of `certmuster-fleet attack`: a stream of packets that means no good, as pcap on standard output, with honest TLS handshakes among them. Nothing
 * is sent anywhere. */
#ifndef CERTMUSTER_FLEET_ATTACK_H
#define CERTMUSTER_FLEET_ATTACK_H

#include <stdint.h>

/* attack: a name of the table. count: how often it strikes; a hundred honest handshakes are spread over it. Returns an exit status. */
int attack_write(const char *attack, uint32_t count);
void attack_list(void);

#endif
