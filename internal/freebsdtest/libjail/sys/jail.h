/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_JAIL_H
#define FREEBSDTEST_SYS_JAIL_H

#define JAIL_CREATE 0x01
#define JAIL_UPDATE 0x02
#define JAIL_ATTACH 0x04
#define JAIL_DYING 0x08
int jail_attach(int jid);

#endif
