# The stages: toolchain, test (the matrix in docker/ runs it), build, and runtime, which is what
# "docker build" makes without --target. docs/docker.md tells how to use the images.
ARG BASE=debian:bookworm
ARG GO=golang:1.26-bookworm

FROM ${GO} AS go

FROM ${BASE} AS toolchain
ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    GOPATH=/go GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
WORKDIR /src
RUN apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        ca-certificates gcc iproute2 libc6-dev libcap-dev libluajit-5.1-dev make pkg-config \
        procps util-linux && \
    rm -rf /var/lib/apt/lists/*
COPY --from=go /usr/local/go /usr/local/go
COPY --from=go /go /go
COPY . .

FROM toolchain AS test
CMD ["docker/run-tests"]
RUN docker/build-tests

FROM toolchain AS build
RUN make static

# One file: the command needs no other. What it shall execute comes from a volume, or from an image
# that this file is copied into.
FROM scratch AS runtime
ENTRYPOINT ["/initscript"]
COPY --from=build /src/bin/static/initscript /initscript
