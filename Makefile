# make            build the command into bin/
# make run        show it at work: a container-like box, made without root
# make test       all tests: as the caller, as an ordinary user, with the race detector, with sanitizers
# make matrix     all tests in images of several distributions, with several privileges (needs Docker)
# make static     build the command as one static file, bin/static/initscript
# make fuzz       each fuzz target for half a minute, those in C with clang
# make bench      starts measured beside other programs' and the kernel's limit, into bench/out/
# make bench-docs the same, and puts the results into docs/internals/performance.md
# make lint       formatting, vet, staticcheck, compiler warnings
# make install-deps  what the above need, from Debian's or Ubuntu's packages
# make install    put what make has built below PREFIX (/usr/local), itself below DESTDIR (for packages)
# make uninstall  remove that
# make deb        a Debian package, in bin/

GO_TAGS := luajit

# Where the official packages of Go are unpacked to, for shells that have not heard of them.
export PATH := $(PATH):/usr/local/go/bin
# Debian's Go would otherwise not fetch the newer one that go.mod asks for.
export GOTOOLCHAIN ?= auto
export GO_TAGS

PREFIX ?= /usr/local
export PREFIX DESTDIR

.PHONY: build run static test matrix fuzz bench bench-docs lint install-deps install uninstall deb clean

build:
	go build -tags $(GO_TAGS) -trimpath -ldflags "-s -w" -o bin/initscript ./cmd/initscript

static:
	tools/build-static bin/static/initscript

run: install-deps build
	bin/initscript run --ns user,mount,pid,net,uts,ipc --map-root --env PATH=/usr/bin:/bin \
		examples/rootless-box.lua -- /bin/sh -c 'set -x; id; hostname; ps ax; ls /; ! touch /usr/x'

test: install-deps
	tools/test

matrix: install-deps
	docker/matrix

fuzz:
	tools/fuzz

# BENCH_FLAGS=-quick for a first impression.
bench: install-deps
	tools/install-bench-deps
	tools/bench $(BENCH_FLAGS)

bench-docs: BENCH_FLAGS += -docs
bench-docs: bench

lint:
	tools/lint

install-deps:
	tools/install-deps

install:
	tools/install

uninstall:
	tools/install --remove

# Position-independent, as all programs of Debian, and without the directories of this machine.
deb: export GOFLAGS += -trimpath -buildmode=pie
deb: build
	tools/deb

clean:
	rm -rf bin
