/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_ELF_H
#define FREEBSDTEST_ELF_H

#include <sys/types.h>

#define ELFMAG "\177ELF"
#define SELFMAG 4
#define PT_INTERP 3
#define AT_NULL 0
typedef struct {
	unsigned char e_ident[16];
	uint16_t e_type, e_machine;
	uint32_t e_version;
	uint64_t e_entry, e_phoff, e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
} Elf_Ehdr;
typedef struct {
	uint32_t p_type, p_flags;
	uint64_t p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
} Elf_Phdr;
typedef struct {
	long a_type;
	union {
		long a_val;
		void *a_ptr;
		void (*a_fcn)(void);
	} a_un;
} Elf_Auxinfo;

#endif
